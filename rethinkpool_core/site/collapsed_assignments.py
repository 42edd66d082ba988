"""Tables of the page "Collapsed assignments": what becomes of MINCUTPOOL's clusters, with its auxiliary losses and without."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rethinkpool_core.analysis.collapsed_assignments import (
    ALONE_GRID,
    EQUAL,
    METHOD,
    Collapse,
    against_alone,
    collapse,
    method_cells,
)
from rethinkpool_core.analysis.smoothest_direction import Smoothness, read_smoothness
from rethinkpool_core.experiments.grids import get_grid
from rethinkpool_core.figures.collapse import collapse_over_smoothness
from rethinkpool_core.site.found import listed
from rethinkpool_core.site.hard_assignments import hard_assignments_text
from rethinkpool_core.site.not_run import method_not_run_text
from rethinkpool_core.site.notebooks import project_folder
from rethinkpool_core.site.provenance import provenance
from rethinkpool_core.site.table_s5 import committed_runs, difference_text, unbroken
from rethinkpool_core.site.tables import markdown, raw_html
from rethinkpool_core.site.trained_features import TRAINED, longer_text, trained_text

if TYPE_CHECKING:
    import pandas as pd

SMOOTHNESS = "results/smoothness.json"
"""Written by ``rethinkpool results smoothness``."""

GRIDS = ("table-s5", "reach", "initial-convolutions", "rings")
"""Grids that train MINCUTPOOL as the paper describes it."""

Learned = dict[tuple[str, int], Collapse]
"""Cells by dataset and number of convolutions."""


def write_collapsed_assignments(folder: Path) -> None:
    """Write ``collapsed-*.md``, which the page includes, from the committed runs."""
    folder.mkdir(parents=True, exist_ok=True)
    runs = committed_runs()
    smooth, learned = committed_smoothness(), learned_by_paper(runs)
    parts = {
        "table-s5": _part(runs, "table-s5"),
        "smoothness": smoothness_table(learned, smooth),
        "figure": figure(learned, smooth),
        "trained": trained_text(read_smoothness(project_folder() / TRAINED), smooth),
        "longer": longer_text(runs),
        "reach": _part(runs, "reach"),
        "said": equal_text(collapse(runs, method_cells("table-s5"))) + "\n",
        "alone": alone_text(runs),
        "diffpool": hard_assignments_text(runs),
    }
    for name, text in parts.items():
        (folder / f"collapsed-{name}.md").write_text(text, encoding="utf-8")


def _part(runs: pd.DataFrame, grid: str) -> str:
    found = collapse(runs, method_cells(grid))
    used = get_grid(grid).restricted([METHOD]).runs_in(runs)
    line = raw_html(provenance(used, grid, site_root=".", every_seed=False).html)
    return "\n".join(filter(None, [collapse_table(found), method_not_run_text(grid, found), line]))


def collapse_table(found: Sequence[Collapse]) -> str:
    """Markdown table of the losses in the epoch that is scored, a row per dataset and number of convolutions."""
    rows = [
        [
            f"`{one.dataset}`",
            one.convolutions,
            one.seeds,
            f"{one.cut:.4f}",
            f"{100 * one.mean:.2f} % ({100 * min(one.orthogonality):.2f} to {100 * max(one.orthogonality):.2f})",
            f"{one.effective_clusters:.2f} of {one.clusters[0]}",
        ]
        for one in found
    ]
    header = [
        "dataset",
        "c",
        "seeds",
        "cut loss",
        "orthogonality loss (share of largest)",
        "effective clusters",
    ]
    return unbroken(markdown(header, rows))


def committed_smoothness() -> list[Smoothness]:
    """Return what `rethinkpool results smoothness` measured of untrained models. Raises StorageError."""
    return read_smoothness(project_folder() / SMOOTHNESS)


def learned_by_paper(runs: pd.DataFrame) -> Learned:
    """Return the cells of MINCUTPOOL with runs in `GRIDS`, by dataset and number of convolutions."""
    return {
        (one.dataset, one.convolutions): one for grid in GRIDS for one in collapse(runs, method_cells(grid))
    }


def smoothness_table(learned: Learned, smooth: Sequence[Smoothness]) -> str:
    """Markdown table of lambda and tau beside what the trained models do, from the smallest lambda / tau to the largest."""
    rows = []
    for one in sorted(smooth, key=lambda one: one.ratio):
        trained = learned.get((one.dataset, one.convolutions))
        equal = None if trained is None else sum(value >= EQUAL for value in trained.orthogonality)
        rows.append(
            [
                f"`{one.dataset}`",
                one.convolutions,
                one.clusters,
                f"{one.mean:.3f}",
                f"{one.threshold:.3f}",
                f"{one.ratio:.2f}",
                "different" if one.ratio < 1 else "equal",
                "not run yet" if trained is None else f"{equal} of {trained.seeds}",
            ]
        )
    header = ["dataset", "c", "K", "λ", "τ", "λ / τ", "rows expected", "seeds with equal rows"]
    return unbroken(markdown(header, rows))


def figure(learned: Learned, smooth: Sequence[Smoothness]) -> str:
    """The figure of the page, or a sentence while there is nothing to draw."""
    found = [
        (learned[one.dataset, one.convolutions], one)
        for one in smooth
        if (one.dataset, one.convolutions) in learned
    ]
    if not found:
        return "The figure is drawn here once there are runs of `MINCUTPOOL`.\n"
    return raw_html(collapse_over_smoothness(found)._repr_html_())


def equal_text(found: Sequence[Collapse]) -> str:
    """Say on which datasets all rows are equal in every seed, and where they are furthest from it."""
    equal = [one for one in found if min(one.orthogonality) >= EQUAL]
    if not found:
        return f"`{METHOD}` has not been run yet."
    if not equal:
        return "On no dataset are the rows of S equal in every seed."
    said = (
        f"On {listed([f'`{one.dataset}`' for one in equal])} the orthogonality loss of every seed is at least {100 * EQUAL:g} % "
        "of its largest value: `MINCUTPOOL` does not cluster there."
    )
    others = [f"`{one.dataset}` ({100 * one.mean:.1f} %)" for one in found if one not in equal]
    return said + (f" On {listed(others)} it clusters in part." if others else "")


def equal_line(found: Sequence[Collapse]) -> str:
    """Say for the landing page on how many datasets MINCUTPOOL has learned no clusters."""
    equal = [one for one in found if min(one.orthogonality) >= EQUAL]
    if not equal:
        return "Whether learned clusters [are clusters](collapsed-assignments) is looked at too."
    return (
        f"On {len(equal)} of the {len(found)} datasets on which MINCUTPOOL has been run, every seed gives all nodes almost "
        "exactly [the same row of the assignment matrix](collapsed-assignments): there are no clusters that a randomised twin "
        "could lose."
    )


def alone_text(runs: pd.DataFrame) -> str:
    """Tables of MINCUTPOOL trained by the supervised loss alone: its losses all the same, and its scores."""
    found = collapse(runs, method_cells(ALONE_GRID))
    missing = method_not_run_text(ALONE_GRID, found)
    if not found:
        return missing
    rows = [
        [f"`{one.dataset}`", f"`{one.method}`", difference_text(one), one.verdict]
        for one in against_alone(runs)
    ]
    header = ["dataset", "compared with", "supervised loss alone, minus that", "verdict"]
    line = raw_html(provenance(get_grid(ALONE_GRID).runs_in(runs), ALONE_GRID, site_root=".").html)
    tables = [collapse_table(found), unbroken(markdown(header, rows))]
    return "\n".join(filter(None, [*tables, missing, line]))
