"""The command that repeats recorded runs, from what their records say."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rethinkpool_core.errors import UsageError
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.grids import get_grid

if TYPE_CHECKING:
    import pandas as pd


def changed_parameters(model: str, dataset: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the recorded parameters that differ from the protocol's, by name, with tuples as lists.

    Raises UsageError or UnknownNameError for a model that is not registered here, whose protocol is not known.
    """
    expected, recorded = _flat(Cell(model, dataset).config), _flat(config)
    # A parameter that is recorded only where it is changed is not among the expected ones.
    keys = [*expected, *(key for key in recorded if key not in expected and key != "max_nodes")]
    return {key: recorded[key] for key in keys if key in recorded and recorded[key] != expected.get(key)}


def device_option(device: str | None) -> str:
    """Return the ``--device`` that names a recorded device; "auto" for none, or for more than one kind."""
    kinds = {
        "cpu" if one.startswith("cpu") else one if one == "mps" else "cuda"
        for one in (device or "").split(", then ")
        if one
    }
    return kinds.pop() if len(kinds) == 1 else "auto"


def repeat_command(
    model: str, dataset: str, config: Mapping[str, Any], seeds: Iterable[int], device: str = "auto"
) -> str:
    """Return the ``rethinkpool train`` command that trains these runs again.

    seeds    those that trained side by side: together they repeat to the last bit, alone they may differ by rounding

    A model that is not registered here gets the command without ``--set``.
    """
    words = ["rethinkpool", "train", model, dataset, "--seeds", seed_ranges(seeds)]
    if device != "auto":
        words += ["--device", device]
    try:
        changed = changed_parameters(model, dataset, config)
    except UsageError:
        changed = {}
    if "max_epochs" in changed:
        words += ["--max-epochs", str(changed.pop("max_epochs"))]
    for key, value in changed.items():
        words += ["--set", f"{key}={value if isinstance(value, str) else json.dumps(value)}"]
    return shlex.join(words)


def grid_commands(grid: str, runs: pd.DataFrame, device: str = "auto") -> list[str]:
    """Return the ``rethinkpool grid`` commands that train these runs (rows of `load_results`) of a named grid on a device.

    There is one per set of seeds and models, and the command of the whole grid where there is no run.
    """
    whole = get_grid(grid)
    models = list(dict.fromkeys(cell.model for cell in whole.cells))
    groups: dict[tuple[tuple[int, ...], tuple[str, ...]], list[str]] = {}
    for dataset in dict.fromkeys(cell.dataset for cell in whole.cells):
        part = runs[runs.dataset == dataset]
        by_seeds: dict[tuple[int, ...], list[str]] = {}
        for model in models:
            seeds = tuple(sorted(set(part.seed[part.model == model])))
            if seeds:
                by_seeds.setdefault(seeds, []).append(model)
        for seeds, trained in by_seeds.items():
            groups.setdefault((seeds, tuple(trained)), []).append(dataset)
    commands = []
    for (seeds, trained), datasets in groups.items():
        words = ["rethinkpool", "grid", grid, *(word for name in datasets for word in ("--dataset", name))]
        if list(trained) != models:
            words += [word for name in trained for word in ("--model", name)]
        if seeds != whole.seeds:
            words += ["--seeds", seed_ranges(seeds)]
        if device != "auto":
            words += ["--device", device]
        commands.append(shlex.join(words))
    return commands or [f"rethinkpool grid {grid}"]


def runs_besides(grid: str, runs: pd.DataFrame) -> int:
    """Return how many runs besides these (rows of `load_results`) the commands of `grid_commands` train.

    A command names models, datasets and seeds, so it trains every setting that the grid has for a model, with each of the seeds.
    """
    cells = [(cell.dataset, cell.model) for cell in get_grid(grid).cells]
    trained = sum(
        cells.count(named) * part.seed.nunique() for named, part in runs.groupby(["dataset", "model"])
    )
    return trained - len(runs)


def seed_ranges(seeds: Iterable[int]) -> str:
    """Return seeds as ``--seeds`` takes them, ``"1-20"`` or ``"1-3,7"``; seed 7 alone is ``"7-7"``, since ``"7"`` means seven."""
    runs = [
        [seed for _, seed in group]
        for _, group in groupby(enumerate(sorted(set(seeds))), key=lambda pair: pair[1] - pair[0])
    ]
    if len(runs) == 1:
        return f"{runs[0][0]}-{runs[0][-1]}"
    return ",".join(f"{run[0]}" if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """The values of nested mappings by their innermost keys, with tuples as lists, as in JSON."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= _flat(value)
        else:
            flat[key] = list(value) if isinstance(value, tuple) else value
    return flat
