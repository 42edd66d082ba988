"""How many seeds each pair of Table S5 gets, decided before they were run, and what they can be expected to show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rethinkpool_core.analysis.equivalence import ALPHA
from rethinkpool_core.analysis.equivalence_power import (
    equivalence_power,
    independent_standard_error,
    paired_standard_error,
    smallest_margin_with_power,
)
from rethinkpool_core.analysis.tables import comparisons
from rethinkpool_core.paper import get_metric, published

if TYPE_CHECKING:
    import pandas as pd

DATE = "2026-11-26"
"""When the numbers of seeds were fixed. At that time there were twenty seeds on IMDB-B and PROTEINS, and none of NCI1's twins."""

PILOT_SEEDS = 20
"""The spread that the plan rests on is that of the first so many seeds, however many there are by now."""


@dataclass(frozen=True)
class PlannedPair:
    """A pair of Table S5 with the number of seeds of each of its two models, and of NO-POOL beside them."""

    dataset: str
    method: str
    twin: str
    seeds: int


PLAN = tuple(
    PlannedPair(dataset, method, f"N-{method}", seeds)
    for dataset, method, seeds in (
        ("NCI1", "MINCUTPOOL", 100),
        ("NCI1", "DIFFPOOL-V2", 100),
        ("IMDB-B", "MINCUTPOOL", 200),
        ("IMDB-B", "DIFFPOOL-V2", 200),
        ("PROTEINS", "MINCUTPOOL", 60),
        ("PROTEINS", "DIFFPOOL-V2", 200),
        ("NCI109", "MINCUTPOOL", 20),
        ("NCI109", "DIFFPOOL-V2", 20),
    )
)


@dataclass(frozen=True)
class PlannedPower:
    """What a planned pair can be expected to show if method and twin score equally well in truth.

    pair            the plan
    std             standard deviation of the difference of one seed, in points
    measured        whether ``std`` is that of the first seeds; else it is that of independent runs with the printed deviations,
                    usually too large, since a shared split moves both models
    alone           probability that the pair's test alone shows equivalence within the margin
    first_of_all    the same as the first of all planned pairs after Holm: the least that the family allows
    margin_80       the margin within which equivalence is shown with 80 % power, alone
    """

    pair: PlannedPair
    std: float
    measured: bool
    alone: float
    first_of_all: float
    margin_80: float


def planned_power(
    runs: pd.DataFrame, *, margin: float | None = None, alpha: float = ALPHA
) -> list[PlannedPower]:
    """Return the power of each pair of `PLAN`, with the spread of its first `PILOT_SEEDS` seeds where ``runs`` has them.

    runs    rows of `load_results`, one configuration per model and dataset
    """
    pilot = runs[runs.seed <= PILOT_SEEDS]
    measured = {
        (one.dataset, one.method, one.twin): one.unadjusted.standard_error * one.seeds[0] ** 0.5
        for one in comparisons(pilot)
        if one.tested and one.paired and one.seeds[0] == PILOT_SEEDS
    }
    found = []
    for pair in PLAN:
        std = measured.get((pair.dataset, pair.method, pair.twin))
        if std is None:
            stds = tuple(published("S5", name, pair.dataset).std for name in (pair.method, pair.twin))
            error = independent_standard_error(stds, (pair.seeds, pair.seeds))
        else:
            error = paired_standard_error(std, pair.seeds)
        within = (
            get_metric(published("S5", pair.method, pair.dataset).metric).margin if margin is None else margin
        )
        found.append(
            PlannedPower(
                pair,
                error[0] * pair.seeds**0.5 if std is None else std,
                std is not None,
                equivalence_power(*error, within, alpha=alpha),
                equivalence_power(*error, within, alpha=alpha, comparisons=len(PLAN)),
                smallest_margin_with_power(*error, alpha=alpha),
            )
        )
    return found
