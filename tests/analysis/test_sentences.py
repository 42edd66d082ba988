"""What a reader is told: the same as the numbers, in words, and never a NaN."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from analysis.samples import by_seed, with_moments
from hypothesis import given, settings
from hypothesis import strategies as st

from rethinkpool_core.analysis.equivalence import compare
from rethinkpool_core.analysis.sentences import sentence


def told(apart, spread, *, paired=True, n=20, metric="accuracy", **options):
    """The comparison of twins whose difference has exactly this mean and this spread, in points or the target's unit."""
    scale = 1.0 if metric == "mae" else 0.01
    first = with_moments(70, 5, n) if paired else with_moments(70, spread / math.sqrt(2), n)
    own = with_moments(apart, spread, n, seed=1)
    second = first + own if paired else with_moments(70 + apart, spread / math.sqrt(2), n, seed=1)
    return compare(
        by_seed(scale * first),
        by_seed(scale * second),
        paired=paired,
        metric=metric,
        names=("NCI1", "GMN", "RANDOM-GMN"),
        **options,
    )


def test_equivalent():
    assert sentence(told(0.1, 1.0)) == (
        "On NCI1, RANDOM-GMN is 0.10 points better than GMN over 20 seeds, paired by split "
        "(95 % interval 0.37 worse to 0.57 better): equivalent within 1 point."
    )


def test_different():
    assert sentence(told(-3.0, 4.0)) == (
        "On NCI1, RANDOM-GMN is 3.0 points worse than GMN over 20 seeds, paired by split "
        "(95 % interval 4.9 worse to 1.1 worse): different, by more than chance explains."
    )


def test_different_and_equivalent():
    assert sentence(told(0.4, 0.5)).endswith(
        "different, yet equivalent within 1 point: a real difference that is too small to matter."
    )
    assert "within 2 points:" in sentence(told(0.4, 0.5, margin=2))


def test_undecided_says_what_could_have_been_seen():
    one = told(0.4, 4.0, paired=False)
    assert sentence(one).endswith(
        "undecided, neither a difference nor equivalence within 1 point is shown; "
        f"this many seeds detect a true difference of {one.minimum_detectable_effect:.1f} points with a probability of 80 %."
    )
    assert "over 20 seeds each (" in sentence(one)


def test_equivalence_that_the_interval_does_not_show_is_explained():
    """The interval of 95 % reaches beyond the margin, that of 90 %, which decides, does not."""
    one = told(0.0, 2.3)
    assert one.verdict == "equivalent" and one.high > 1
    assert (
        "equivalent within 1 point (the 90 % interval, which decides this, is 0.9 worse to 0.9 better)"
        in sentence(one)
    )


def test_what_the_adjustment_takes_away_is_told():
    one = replace(told(1.5, 3.0), p_difference=0.07, family_size=32)
    assert one.low > 0
    assert (
        "undecided, neither a difference nor equivalence within 1 point is shown "
        "(a test of this pair alone would show a difference; corrected for 32 comparisons it does not)"
    ) in sentence(one)
    assert "; in a test of this pair alone, this many seeds detect" in sentence(one)
    one = replace(told(0.4, 0.5), p_difference=0.07, family_size=32)
    assert sentence(one).endswith(
        "equivalent within 1 point "
        "(a test of this pair alone would show a difference; corrected for 32 comparisons it does not)."
    )


def test_of_an_error_less_is_better():
    one = told(-0.02, 0.01, metric="mae")
    assert one.difference < 0 and one.verdict == "different"
    assert "RANDOM-GMN is 0.0200 better than GMN" in sentence(one)
    assert re.search(
        r"interval 0\.015\d better to 0\.024\d better", sentence(one)
    ) and "point" not in sentence(one)
    assert "within 0.01" in sentence(told(0.0, 0.001, metric="mae"))


def test_a_difference_that_rounds_to_nothing():
    assert "RANDOM-GMN and GMN are 0.0 points apart over" in sentence(told(0.001, 4.0))


def test_an_end_of_the_interval_that_rounds_to_nothing_is_on_no_side():
    one = told(0.0, 4.0)
    reach = one.high
    assert f"(95 % interval 0.0 to {2 * reach:.1f} better)" in sentence(told(reach, 4.0))


@pytest.mark.parametrize(
    ("method", "twin", "words"),
    [
        ({1: 0.7}, {1: 0.9}, "B is 20.0 points better than A over one seed each: undecided, since one seed"),
        (
            {1: 0.7, 2: 0.7},
            {1: 0.7, 2: 0.7},
            "B and A are 0.0 points apart over 2 seeds each: undecided, since their difference",
        ),
        (
            {1: 0.7, 2: 0.6},
            {3: 0.7, 4: 0.8, 5: 0.7},
            "over 3 seeds against 2: undecided, since they have no seed",
        ),
        ({1: 0.7, 2: 0.6, 3: 0.7}, {1: 0.7, 2: 0.7}, "(without 1 seed that only one of the two models has)."),
        (
            {1: 0.7, 2: 0.6, 3: None, 4: None},
            {1: 0.7, 2: 0.7, 3: None, 4: None},
            "(2 runs of A failed, 2 runs of B failed).",
        ),
        ({1: 0.7, 2: 0.6, 3: 0.6}, {1: 0.7, 2: 0.7, 3: None}, "models has, 1 run of B failed)."),
    ],
)
def test_what_is_missing_is_told(method, twin, words):
    assert words in sentence(compare(method, twin, paired=True, names=("NCI1", "A", "B")))


SCORES = st.dictionaries(
    st.integers(1, 12), st.one_of(st.none(), st.just(math.nan), st.floats(0, 1)), min_size=1, max_size=12
)


@settings(deadline=None, max_examples=200)
@given(method=SCORES, twin=SCORES, paired=st.booleans(), metric=st.sampled_from(["accuracy", "mae"]))
def test_no_sentence_holds_what_is_no_number(method, twin, paired, metric):
    for scores in (method, twin):
        scores[13] = 0.5
    one = compare(method, twin, paired=paired, metric=metric)
    assert not re.search(r"nan|inf|None|-\d|e-\d", sentence(one))
    assert sentence(one).endswith(".") and sentence(one).startswith("On the dataset, ")
    assert "\n" not in sentence(one) and one.verdict.split()[0] in sentence(one)


def test_numbers_of_a_sentence_are_those_of_the_comparison():
    one = told(-1.234, 3.0)
    found = [float(number) for number in re.findall(r"\d+\.\d+", sentence(one))]
    assert found == [
        round(abs(value), 1) for value in (one.difference, one.low, one.high, one.minimum_detectable_effect)
    ]
    assert np.sign([one.difference, one.low, one.high]).tolist() == [-1, -1, 1]
