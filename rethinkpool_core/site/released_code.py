"""The departures of the released code for pages: each way's effect from stored runs, or the command that trains them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rethinkpool_core.analysis.departures import DepartureEffect
from rethinkpool_core.analysis.purity_constants import purity_constants
from rethinkpool_core.site.not_run import not_run_text
from rethinkpool_core.site.table_s5 import difference_text, unbroken
from rethinkpool_core.site.tables import markdown

if TYPE_CHECKING:
    import pandas as pd

    from rethinkpool_core.datasets.dataset import GraphDataset

GRID = "released-code"


def effects_table(effects: Sequence[DepartureEffect]) -> str:
    """Markdown table with a row per departure and dataset: the other way minus the paper's, with its interval and verdict."""
    rows = []
    for one in effects:
        departure, found = one.departure, one.comparison
        row = [departure.number, f"`{departure.model}`", f"`{departure.other}`", f"`{one.dataset}`"]
        if found is None:
            row += ["not run yet", "", ""]
        else:
            row += [difference_text(found), " and ".join(dict.fromkeys(map(str, found.seeds))), found.verdict]
        rows.append(row)
    header = ["departure", "model", "other way", "dataset", "other way minus the paper's", "seeds", "verdict"]
    return unbroken(markdown(header, rows))


def compared_runs(runs: pd.DataFrame, effects: Sequence[DepartureEffect]) -> pd.DataFrame:
    """Return the runs of the comparisons among rows of `load_results`; of paired ones, those of the seeds that both ways have."""
    used = set()
    for one in effects:
        if one.comparison is None:
            continue
        ways = (one.departure.paper, one.departure.release)
        part = runs[runs.cell.isin([one.departure.cell(one.dataset, way).digest for way in ways])]
        if one.comparison.paired:
            part = part[part.groupby("seed").cell.transform("nunique") == len(ways)]
        used.update(part.key)
    return runs[runs.key.isin(used)]


def missing_text(effects: Sequence[DepartureEffect]) -> str:
    """A list of the comparisons that were not run, with the commands that train both ways; empty if there are none."""
    return not_run_text(
        GRID, [(one.dataset, one.departure.model) for one in effects if one.comparison is None]
    )


def constants_table(dataset: GraphDataset, graphs: int, seeds: int) -> str:
    """Markdown table of the constants' effect on the loss: ranges over the untrained models of seeds 1, 2, ..."""
    import torch

    rows = []
    for batch_statistics, name in ((True, "batch"), (False, "running")):
        for dtype, precision in ((torch.float64, "double"), (torch.float32, "single")):
            found = [
                purity_constants(
                    dataset,
                    dataset.with_split(seed).train[:graphs],
                    seed,
                    batch_statistics=batch_statistics,
                    dtype=dtype,
                )
                for seed in range(1, seeds + 1)
            ]
            rows.append(
                [
                    name,
                    precision,
                    _range([1e5 * one.loss for one in found], "{:.2f}"),
                    _range([1e5 * one.change for one in found], "{:.2f}"),
                    _range([100 * one.negative for one in found], "{:.0f}", " %"),
                    _range([100 * one.nearest for one in found], "{:.1f}", " %"),
                ]
            )
    header = [
        "batch norm",
        "precision",
        "loss",
        "change by the constants",
        "negative",
        "S from uniform, at most",
    ]
    return markdown(header, rows)


def _range(values: Sequence[float], form: str, unit: str = "") -> str:
    ends = dict.fromkeys(form.format(value) for value in (min(values), max(values)))
    return "\u00a0to\u00a0".join(ends) + unit
