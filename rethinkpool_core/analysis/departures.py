"""Departures of the authors' release, compared both ways from runs of the grid ``released-code``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rethinkpool_core.analysis.equivalence import ALPHA, Comparison, compare, holm_adjust
from rethinkpool_core.analysis.tables import has_score
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.departures import DEPARTURES, Departure

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class DepartureEffect:
    """A departure on a dataset: the other way minus the paper's, or None where either has no run yet."""

    departure: Departure
    dataset: str
    comparison: Comparison | None


def departure_effects(
    runs: pd.DataFrame,
    departures: Sequence[Departure] = DEPARTURES,
    *,
    margin: float | None = None,
    alpha: float = ALPHA,
) -> list[DepartureEffect]:
    """Compare both ways of each departure on each of its datasets, with p-values adjusted after Holm.

    runs    rows of `load_results`
    """
    pairs = [(one, dataset) for one in departures for dataset in one.datasets]
    found = [
        compare_cells(
            runs,
            one.cell(dataset, one.paper),
            one.cell(dataset, one.release),
            f"{one.model}, {one.other}",
            margin=margin,
            alpha=alpha,
        )
        for one, dataset in pairs
    ]
    adjusted = iter(holm_adjust([one for one in found if one is not None]))
    return [
        DepartureEffect(departure, dataset, None if comparison is None else next(adjusted))
        for (departure, dataset), comparison in zip(pairs, found, strict=True)
    ]


def compare_cells(
    runs: pd.DataFrame,
    cell: Cell,
    changed: Cell,
    name: str,
    *,
    margin: float | None = None,
    alpha: float = ALPHA,
) -> Comparison | None:
    """Compare a cell with one of the same model and dataset whose settings are changed; None where either has no score.

    runs    rows of `load_results`
    name    what the changed cell is called
    """
    first, second = (_scores(runs, one.digest) for one in (cell, changed))
    if not (_any(first) and _any(second)):
        return None
    return compare(
        first,
        second,
        paired=cell.spec.seed_draws_split,
        metric=cell.spec.metric,
        margin=margin,
        alpha=alpha,
        names=(cell.dataset, cell.model, name),
    )


def _scores(runs: pd.DataFrame, cell: str) -> dict[int, float | None]:
    part = runs[runs.cell == cell]
    return dict(zip(part.seed, part.test_score.where(has_score(part)), strict=True))


def _any(scores: dict[int, float | None]) -> bool:
    return any(score is not None and score == score for score in scores.values())
