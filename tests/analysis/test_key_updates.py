"""Figure S1's numbers from curves that are known."""

from __future__ import annotations

import numpy as np
import pytest
from analysis.samples import runs_of
from pytest import approx
from scipy import stats

from rethinkpool_core.analysis.key_updates import (
    PURITY,
    at_epoch,
    least_losses,
    loss_differences,
    period_of,
)
from rethinkpool_core.experiments.cell import Cell

PERIODS = (2, 5, 0)


def runs_on(dataset, seeds=range(1, 9)):
    """Loss falls to a least value that differs by period and seed, then rises; the purity is 3 at first and 1 at epoch 3."""
    cells = [Cell("GMN", dataset, {"purity_period": period}) for period in PERIODS]
    runs = runs_of(*((cell, 0.7) for cell in cells), seeds=seeds)
    rng = np.random.default_rng(0)
    least = 0.5 + 0.1 * rng.normal(size=len(runs)) + np.where(period_of(runs) == 2, 0.3, 0.0)
    curves = [{"val_loss": [2.0, 1.0, value, 1.5], PURITY: [3.0, 2.0, 1.0, 4.0]} for value in least]
    return runs.assign(curves=curves, error=None), least


def test_periods_of_runs():
    runs, _ = runs_on("IMDB-B")
    assert sorted(set(period_of(runs))) == [0, 2, 5]


def test_least_loss_is_the_lowest_point_of_each_curve():
    runs, least = runs_on("IMDB-B")
    found = least_losses(runs)
    for run, value in zip(runs.itertuples(), least, strict=True):
        assert found[int(run.config["model"]["purity_period"])][run.seed] == value
    failed = runs.assign(error=["no", *runs.error[1:]])
    assert sum(map(len, least_losses(failed).values())) == len(runs) - 1


def test_a_gap_in_a_curve_is_no_least_loss():
    runs, _ = runs_on("IMDB-B", seeds=[1])
    runs = runs.assign(curves=[{"val_loss": [1.0, float("nan"), 0.4]}] * len(runs))
    assert {loss for by_seed in least_losses(runs).values() for loss in by_seed.values()} == {0.4}


def test_values_at_the_first_and_the_best_epoch():
    runs, _ = runs_on("IMDB-B")
    assert set(at_epoch(runs, PURITY, "first")) == {3.0} and set(at_epoch(runs, PURITY, "best")) == {1.0}
    assert len(at_epoch(runs, "nothing", "best")) == 0
    without = runs.assign(best_epoch=[0, *runs.best_epoch[1:]])  # failed before its first validation
    assert set(at_epoch(without, PURITY, "best")) == {1.0}, "not the last epoch of that run"


@pytest.mark.parametrize(("dataset", "paired"), [("IMDB-B", True), ("ZINC", False)])
def test_differences_to_the_usual_period_are_those_of_scipy(dataset, paired):
    runs, _ = runs_on(dataset)
    never, often = sorted(loss_differences(runs, dataset), key=lambda one: one.period)
    assert (never.period, often.period) == (0, 2)
    losses = {period: np.array(list(by_seed.values())) for period, by_seed in least_losses(runs).items()}
    test = stats.ttest_rel if paired else lambda a, b: stats.ttest_ind(a, b, equal_var=False)
    expected = test(losses[2], losses[5])
    assert often.difference == approx((losses[2] - losses[5]).mean())
    assert often.tests.p_difference == approx(expected.pvalue)
    assert often.tests.interval == approx(tuple(expected.confidence_interval()))
    assert often.seeds == (8, 8)


@pytest.mark.parametrize("dataset", ["IMDB-B", "ZINC"])
def test_losses_that_do_not_vary_are_not_tested(dataset):
    """As in `compare`: a standard error of 0 made every difference significant, with warnings of a division by it."""
    runs, _ = runs_on(dataset)
    constant = [{"val_loss": [0.5 + 0.1 * (period == 2)]} for period in period_of(runs)]
    never, often = sorted(loss_differences(runs.assign(curves=constant), dataset), key=lambda one: one.period)
    assert never.tests is None and often.tests is None
    assert (never.difference, often.difference) == (0, approx(0.1))


def test_too_few_runs_for_a_test():
    runs, _ = runs_on("IMDB-B", seeds=[1])
    assert all(one.tests is None for one in loss_differences(runs, "IMDB-B"))
    assert loss_differences(runs[period_of(runs) != 5], "IMDB-B") == []
    assert loss_differences(runs, "ZINC") == []
