"""The corrected resampled t-test against its formula written out, and against simulated datasets."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from analysis.samples import by_seed
from pytest import approx
from scipy import stats

from rethinkpool_core.analysis.corrected_t_test import TEST_TO_TRAIN, corrected_t_test
from rethinkpool_core.analysis.equivalence import compare
from rethinkpool_core.analysis.equivalence_power import equivalence_power
from rethinkpool_core.errors import UsageError


def pair(differences):
    return compare(
        by_seed(np.full(len(differences), 0.7)), by_seed(0.7 + np.asarray(differences) / 100), paired=True
    )


def test_numbers_of_the_formula():
    differences = np.random.default_rng(0).normal(0.5, 2.0, 20)
    found = corrected_t_test(pair(differences)).tests
    error = sqrt((1 / 20 + 1 / 8) * differences.var(ddof=1))
    assert found.standard_error == approx(error)
    assert found.p_difference == approx(2 * stats.t.sf(abs(differences.mean()) / error, 19))
    assert found.interval == approx(stats.t.interval(0.95, 19, differences.mean(), error))
    assert found.tost_interval == approx(stats.t.interval(0.90, 19, differences.mean(), error))
    lower = stats.t.sf((differences.mean() + 1) / error, 19)
    upper = stats.t.cdf((differences.mean() - 1) / error, 19)
    assert found.p_equivalence == approx(max(lower, upper))


def test_without_overlap_it_is_the_paired_test():
    one = pair(np.random.default_rng(1).normal(0.5, 2.0, 20))
    found = corrected_t_test(one, test_to_train=0.0).tests
    assert found.p_difference == approx(one.unadjusted.p_difference)
    assert found.p_equivalence == approx(one.unadjusted.p_equivalence)


def test_the_floor_is_what_endless_seeds_leave():
    """At the floor, an endless number of seeds with a mean difference of 0 just reaches the level."""
    found = corrected_t_test(pair(np.random.default_rng(2).normal(0.0, 2.0, 20)))
    spread = found.comparison.unadjusted.standard_error * sqrt(20)
    endless = spread * sqrt(TEST_TO_TRAIN)
    assert stats.norm.sf(found.floor / endless) == approx(0.05)


def test_correlated_seeds_are_wrong_as_seldom_as_stated():
    """Differences with the correlation that the correction assumes: the paired test errs often, the corrected one does not."""
    rng, repetitions, seeds = np.random.default_rng(3), 2000, 20
    correlation = TEST_TO_TRAIN / (1 + TEST_TO_TRAIN)
    shared = sqrt(correlation) * rng.normal(size=(1, repetitions))
    own = sqrt(1 - correlation) * rng.normal(size=(seeds, repetitions))
    found = [pair(row) for row in (shared + own).T]
    usual = np.mean([one.unadjusted.p_difference < 0.05 for one in found])
    corrected = np.mean([corrected_t_test(one).tests.p_difference < 0.05 for one in found])
    assert usual > 0.2 and corrected == approx(0.05, abs=0.02)


def test_only_for_seeds_that_draw_their_splits():
    one = replace(pair([0.1, 0.2, 0.4]), paired=False)
    with pytest.raises(UsageError, match="no paired test"):
        corrected_t_test(one)


def test_equivalence_within_the_floor_has_little_power():
    """As many seeds as one likes: the corrected error keeps the power at the floor below a half and does not go to one."""
    endless = sqrt(TEST_TO_TRAIN)
    assert equivalence_power(endless, 1e6, stats.norm.isf(0.05) * endless) < 0.01
