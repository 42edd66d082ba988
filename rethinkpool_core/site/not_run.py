"""What a page says about the cells of a grid that have no runs yet."""

from __future__ import annotations

from collections.abc import Iterable

from rethinkpool_core.analysis.collapsed_assignments import METHOD, Collapse, method_cells
from rethinkpool_core.analysis.smoothest_direction import Smoothness
from rethinkpool_core.experiments.grids import get_grid


def not_run_text(grid: str, missing: Iterable[tuple[str, str]]) -> str:
    """Markdown list of the datasets and models that were not run, with the commands that train them; empty if there are none.

    missing    (dataset, model) of each cell; where a dataset has no run at all, its models are not listed
    """
    datasets: dict[str, dict[str, None]] = {}
    for dataset, model in missing:
        datasets.setdefault(dataset, {})[model] = None
    if not datasets:
        return ""
    lines = []
    for dataset, models in datasets.items():
        every = {cell.model for cell in get_grid(grid).restricted(datasets=[dataset]).cells}
        named = "" if every == set(models) else f" ({', '.join(f'`{model}`' for model in models)})"
        lines.append(f"- `rethinkpool grid {grid} --dataset {dataset}`{named}\n")
    return f"Not run yet, with the command that trains them:\n\n{''.join(lines)}"


def method_not_run_text(grid: str, found: Iterable[Collapse | Smoothness]) -> str:
    """Return `not_run_text` for those cells of MINCUTPOOL of a grid that are not among ``found``."""
    there = {(one.dataset, one.convolutions) for one in found}
    missing = [
        (cell.dataset, METHOD)
        for cell in method_cells(grid)
        if (cell.dataset, cell.config["model"]["initial_convolutions"]) not in there
    ]
    return not_run_text(grid, missing)
