"""Pooling over datasets, against weights written out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from analysis.samples import by_seed, with_moments
from pytest import approx
from scipy import stats

from rethinkpool_core.analysis.equivalence import compare
from rethinkpool_core.analysis.pooled_difference import pooled_difference
from rethinkpool_core.errors import UsageError


def on(dataset, difference, std, seeds=20):
    moved = 0.7 + with_moments(difference, std, seeds) / 100
    return compare(
        by_seed(np.full(seeds, 0.7)), by_seed(moved), paired=True, names=(dataset, "METHOD", "TWIN")
    )


def test_fixed_mean_is_weighted_by_precision():
    found = pooled_difference([on("a", 0.2, 2.0), on("b", -0.4, 4.0), on("c", 0.1, 1.0)])
    weights = np.array([1 / 4, 1 / 16, 1 / 1]) * 20
    mean, error = weights @ [0.2, -0.4, 0.1] / weights.sum(), weights.sum() ** -0.5
    assert found.fixed == approx((mean, mean - 1.959964 * error, mean + 1.959964 * error))
    assert (found.datasets, found.method, found.twin) == (("a", "b", "c"), "METHOD", "TWIN")
    q = weights @ (np.array([0.2, -0.4, 0.1]) - mean) ** 2
    assert found.p_same == approx(stats.chi2.sf(q, 2))
    assert found.equivalent and found.tau == 0 and found.i2 == 0


def test_variation_between_datasets_widens_the_random_interval():
    found = pooled_difference([on("a", 3.0, 1.0), on("b", -3.0, 1.0), on("c", 0.0, 1.0)])
    assert found.tau == approx(3.0, abs=0.05), "the deviation of -3, 0 and 3, less that of their errors"
    assert found.random[2] - found.random[1] > 5 * (found.fixed[2] - found.fixed[1])
    assert found.i2 > 0.98 and found.p_same < 1e-6
    # Equal weights: the interval of Hartung, Knapp, Sidik and Jonkman is that of Student's t for three numbers.
    assert found.random == approx((0.0, *stats.t.interval(0.95, 2, 0.0, 3 / 3**0.5)), abs=1e-6)


def test_what_cannot_be_pooled():
    one, two = on("a", 0.0, 1.0), on("b", 0.1, 1.0)
    for wrong in (
        [one],
        [one, replace(two, method="OTHER")],
        [one, replace(two, margin=2.0)],
        [one, replace(two, metric="mae")],
    ):
        with pytest.raises(UsageError, match="pooled over at least two"):
            pooled_difference(wrong)
