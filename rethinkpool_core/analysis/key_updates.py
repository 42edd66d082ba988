"""Figure S1: what the frequency of GMN's key updates changes, and how large the loss that drives them is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rethinkpool_core.analysis.equivalence import ALPHA
from rethinkpool_core.analysis.two_samples import (
    TwoSampleTests,
    leaves_no_variance,
    paired_t_tests,
    welch_t_tests,
)
from rethinkpool_core.datasets.spec import get_spec

if TYPE_CHECKING:
    import pandas as pd

PURITY, DISTANCE = "memory 1 purity", "memory 1 distance from uniform"
"""Curves of the first memory layer: its unsupervised loss per graph, and the mean distance of a row of S from 1 / K."""

USUAL_PERIOD = 5
"""Epochs between updates in GMN's own implementation, with which the others are compared."""


@dataclass(frozen=True)
class LossDifference:
    """How much the least validation loss of another period is above that of the usual one.

    seeds      of each of the two
    tests      of the difference, other minus usual; None where there are too few seeds, or nothing varies
    """

    dataset: str
    period: int
    seeds: tuple[int, int]
    difference: float
    tests: TwoSampleTests | None


def period_of(runs: pd.DataFrame) -> pd.Series:
    """Return the epochs from one update of the keys to the next per run; 0 for never."""
    return runs.config.map(lambda config: int(config["model"]["purity_period"]))


def least_losses(runs: pd.DataFrame) -> dict[int, dict[int, float]]:
    """Return the least validation loss by seed, by period."""
    good = runs[runs.error.isna()]
    found: dict[int, dict[int, float]] = {}
    for period, run in zip(period_of(good), good.itertuples(), strict=True):
        found.setdefault(period, {})[run.seed] = float(np.nanmin(run.curves["val_loss"]))
    return found


def at_epoch(runs: pd.DataFrame, curve: str, when: str) -> np.ndarray:
    """Return the value of a curve per run at its ``first`` or its ``best`` epoch; runs without either are left out."""
    epochs = [1 if when == "first" else run.best_epoch for run in runs.itertuples()]
    pairs = zip(runs.curves, epochs, strict=True)
    return np.array(
        [curves[curve][epoch - 1] for curves, epoch in pairs if epoch and len(curves.get(curve, ()))]
    )


def loss_differences(runs: pd.DataFrame, dataset: str, *, alpha: float = ALPHA) -> list[LossDifference]:
    """Compare the least validation loss of each period with that of `USUAL_PERIOD` on one dataset.

    Seeds are paired where they draw the split.
    """
    losses = least_losses(runs[runs.dataset == dataset])
    if USUAL_PERIOD not in losses:
        return []
    paired = get_spec(dataset).seed_draws_split
    return [
        _difference(dataset, period, losses[USUAL_PERIOD], losses[period], paired, alpha)
        for period in sorted(losses, key=lambda period: period or np.inf)
        if period != USUAL_PERIOD
    ]


def _difference(
    dataset: str,
    period: int,
    usual: Mapping[int, float],
    other: Mapping[int, float],
    paired: bool,
    alpha: float,
) -> LossDifference:
    seeds = (sorted(usual.keys() & other.keys()),) * 2 if paired else (sorted(usual), sorted(other))
    first, second = (
        np.array([side[seed] for seed in used]) for side, used in zip((usual, other), seeds, strict=True)
    )
    testable = min(len(first), len(second)) > 1 and not leaves_no_variance(first, second, paired)
    tests = (
        (paired_t_tests if paired else welch_t_tests)(first, second, 1.0, alpha).to_floats()
        if testable
        else None
    )
    difference = float(second.mean() - first.mean()) if len(first) and len(second) else float("nan")
    return LossDifference(dataset, period, (len(first), len(second)), difference, tests)
