"""From scores by seed to a verdict: units, pairing, Holm, corner cases."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from analysis.samples import by_seed, with_moments
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import approx
from statsmodels.stats.multitest import multipletests

from rethinkpool_core.analysis.equivalence import ALPHA, compare, holm_adjust
from rethinkpool_core.analysis.two_samples import paired_t_tests, welch_t_tests
from rethinkpool_core.errors import UsageError


def of_points(values):
    return by_seed(np.asarray(values) / 100)


@pytest.mark.parametrize("paired", [True, False])
def test_scores_are_told_in_points(paired):
    first, second = with_moments(70, 2, 12), with_moments(71.5, 3, 12, seed=1)
    found = compare(of_points(first), of_points(second), paired=paired, margin=2.0)
    expected = (paired_t_tests if paired else welch_t_tests)(first, second, 2.0, ALPHA)
    assert found.difference == approx(1.5)
    assert (found.low, found.high) == approx(expected.interval)
    assert (found.p_difference, found.p_equivalence) == approx(
        (expected.p_difference, expected.p_equivalence)
    )
    assert found.margin == 2.0 and found.seeds == (12, 12) and found.family_size == 1


def test_errors_are_told_in_their_own_unit():
    found = compare({1: 0.470, 2: 0.471}, {1: 0.475, 2: 0.476}, paired=False, metric="mae")
    assert found.margin == 0.01 and found.difference == approx(0.005)


@pytest.mark.parametrize(
    ("apart", "spread", "verdict"),
    [
        (0.0, 0.5, "equivalent"),
        (3.0, 0.5, "different"),
        (0.4, 0.3, "different within the margin"),
        (0.4, 4.0, "undecided"),
    ],
)
def test_verdicts(apart, spread, verdict):
    first = with_moments(70, 5, 20)
    second = first + with_moments(apart, spread, 20, seed=1)
    assert compare(of_points(first), of_points(second), paired=True).verdict == verdict
    assert compare(of_points(second), of_points(first), paired=True).verdict == verdict


def test_pairing_takes_out_what_the_splits_do():
    first = with_moments(70, 5, 20)
    second = first + with_moments(0, 0.5, 20, seed=1)
    assert compare(of_points(first), of_points(second), paired=False).verdict == "undecided"


@given(permutation=st.permutations(range(1, 11)), paired=st.booleans())
@settings(deadline=None, max_examples=20)
def test_seeds_are_matched_by_number_and_not_by_place(permutation, paired):
    first, second = of_points(with_moments(70, 5, 10)), of_points(with_moments(71, 5, 10, seed=1))
    shuffled = {seed: second[seed] for seed in permutation}
    assert compare(first, shuffled, paired=paired) == compare(first, second, paired=paired)


# -- runs that are missing


def test_seeds_of_one_side_are_left_out_of_pairs_and_told():
    found = compare({1: 0.7, 2: 0.8, 9: 0.1}, {1: 0.71, 2: 0.79, 7: 0.9, 8: 0.9}, paired=True)
    assert found.seeds == (2, 2) and found.unmatched == (1, 2)
    assert found.difference == approx(0.0, abs=1e-9)
    found = compare({1: 0.7, 2: 0.8, 9: 0.1}, {1: 0.71, 2: 0.79}, paired=False)
    assert found.seeds == (3, 2) and found.unmatched == (0, 0)


@pytest.mark.parametrize("none", [None, math.nan])
def test_failed_runs_do_not_count_and_are_told(none):
    scores = {1: 0.70, 2: 0.72, 3: 0.69}
    found = compare(scores | {4: none}, scores | {1: none, 4: 0.7}, paired=True)
    assert found.seeds == (2, 2) and found.failed == (1, 1) and found.unmatched == (1, 1)
    assert found.difference == 0.0


@pytest.mark.parametrize("paired", [True, False])
def test_one_seed_decides_nothing(paired):
    found = compare({1: 0.7}, {1: 0.9}, paired=paired)
    assert not found.tested and found.verdict == "undecided" and found.difference == approx(20)
    assert (
        found.low
        is found.high
        is found.p_difference
        is found.p_equivalence
        is found.minimum_detectable_effect
        is None
    )


def test_pairs_without_a_common_seed_decide_nothing():
    found = compare({1: 0.7, 2: 0.71}, {3: 0.7, 4: 0.71}, paired=True)
    assert not found.tested and found.verdict == "undecided" and "common" in found.why_untested
    assert compare({1: 0.7, 2: 0.71}, {3: 0.7, 4: 0.71}, paired=False).tested


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("other", [0.7, 0.8])
def test_seeds_without_variance_decide_nothing(other, paired):
    """Not even a difference of ten points: a t-test measures it against a variance, and there is none."""
    found = compare(dict.fromkeys(range(5), 0.7), dict.fromkeys(range(5), other), paired=paired)
    assert not found.tested and found.verdict == "undecided" and "variance" in found.why_untested


def test_pairs_that_are_all_equally_far_apart_decide_nothing_but_independent_seeds_do():
    first = {seed: 0.7 + seed / 1000 for seed in range(1, 8)}
    second = {seed: score + 0.05 for seed, score in first.items()}
    assert not compare(first, second, paired=True).tested
    assert compare(first, second, paired=False).verdict == "different"


def test_one_side_without_variance_is_tested():
    found = compare(dict.fromkeys(range(10), 0.7), by_seed(with_moments(0.8, 0.01, 10)), paired=False)
    assert found.verdict == "different"


# -- Holm's adjustment


def family(seed=11, count=5, apart=1.0):
    rng = np.random.default_rng(seed)
    return [
        compare(of_points(rng.normal(70, 1, 9)), of_points(rng.normal(70 + apart, 1, 9)), paired=False)
        for _ in range(count)
    ]


def test_holm_by_hand_and_by_statsmodels():
    pairs, alone = family(), compare({1: 0.7}, {1: 0.8}, paired=True)
    adjusted = holm_adjust([pairs[0], alone, *pairs[1:]])
    assert adjusted.pop(1) is alone
    for name in ("p_difference", "p_equivalence"):
        raw = np.array([getattr(one, name) for one in pairs])
        order = raw.argsort()
        by_hand = np.minimum(1, np.maximum.accumulate(raw[order] * np.arange(5, 0, -1)))
        assert [getattr(adjusted[place], name) for place in order] == approx(list(by_hand))
        assert multipletests(raw, method="holm")[1] == approx([getattr(one, name) for one in adjusted])
    assert all(one.family_size == 5 for one in adjusted)
    assert [one.unadjusted for one in adjusted] == [one.unadjusted for one in pairs]
    assert holm_adjust([]) == [] and holm_adjust([alone]) == [alone]


def test_adjusting_twice_adjusts_once():
    once = holm_adjust(family())
    assert holm_adjust(once) == once


def test_verdicts_are_those_of_the_adjusted_values():
    one = family(count=1, apart=0)[0]
    assert replace(one, p_difference=0.04, p_equivalence=0.06).verdict == "different"
    assert replace(one, p_difference=0.06, p_equivalence=0.04).verdict == "equivalent"
    assert replace(one, p_difference=ALPHA, p_equivalence=ALPHA).verdict == "undecided"


@pytest.mark.parametrize("paired", [True, False])
def test_in_a_table_a_first_false_claim_is_as_seldom_as_stated(paired):
    """Eight pairs: with no difference, and then with differences of just the margin, at most 5 of 100 tables claim anything.

    Without the adjustment it would be 1 - 0.95^8, a third of them.
    """
    tables, pairs, seeds = 4000, 8, 12
    slack = 4 * math.sqrt(0.05 * 0.95 / tables)
    rng = np.random.default_rng(7)
    tests = paired_t_tests if paired else welch_t_tests
    one = family(count=1)[0]
    for apart, name in ((0.0, "p_difference"), (4.0, "p_equivalence")):
        first = rng.normal(70, 1, (seeds, tables * pairs))
        found = tests(first, rng.normal(70 + apart, 1, first.shape), 4.0, ALPHA)
        raw = getattr(found, name).reshape(tables, pairs)
        uncorrected = (raw < ALPHA).any(axis=1)
        assert uncorrected.mean() == approx(1 - 0.95**pairs, abs=0.04)
        wrong = 0
        for table in raw[uncorrected]:  # the others cannot claim anything after the adjustment
            members = [replace(one, unadjusted=replace(one.unadjusted, **{name: p})) for p in table]
            wrong += any(getattr(member, name) < ALPHA for member in holm_adjust(members))
        assert 0.05 - 0.015 < wrong / tables < 0.05 + slack


# -- what is refused


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (({}, {1: 0.5}), {}, "no score"),
        (({1: math.nan}, {1: 0.5}), {}, "no score"),
        (({}, {1: 0.5}), {"paired": False}, "no score"),
        (({1: math.inf, 2: 0.5}, {1: 0.5, 2: 0.5}), {}, "infinite"),
        (({1: 0.5}, {1: 0.5}), {"margin": 0}, "margin"),
        (({1: 0.5}, {1: 0.5}), {"margin": -1.0}, "margin"),
        (({1: 0.5}, {1: 0.5}), {"margin": math.nan}, "margin"),
        (({1: 0.5}, {1: 0.5}), {"margin": math.inf}, "margin"),
        (({1: 0.5}, {1: 0.5}), {"alpha": 0.0}, "alpha"),
        (({1: 0.5}, {1: 0.5}), {"alpha": 0.5}, "alpha"),
        (({1: 0.5}, {1: 0.5}), {"alpha": math.nan}, "alpha"),
        (({1: 0.5}, {1: 0.5}), {"metric": "f1"}, "f1"),
    ],
)
def test_what_is_refused(arguments, options, words):
    with pytest.raises(UsageError, match=words) as error:
        compare(*arguments, **({"paired": True} | options))
    assert "\n" not in str(error.value)
