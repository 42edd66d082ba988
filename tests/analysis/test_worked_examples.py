"""Numbers that others published for the same tests.

Where only moments were printed, a sample with exactly these moments is made: the tests see nothing else of a sample.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from analysis.samples import by_seed, pairs_with_moments, with_moments
from pytest import approx

from rethinkpool_core.analysis.equivalence import compare, holm_adjust

# "Student" (1908), The probable error of a mean: additional hours of sleep of ten patients under two drugs.
FIRST_DRUG = (0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0)
SECOND_DRUG = (1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4)


def test_paired_difference_of_student():
    """As R's manual prints it for its data set `sleep`: t = 4.0621 with 9 degrees of freedom."""
    found = compare(by_seed(FIRST_DRUG), by_seed(SECOND_DRUG), paired=True, metric="mae", margin=1)
    assert found.difference == approx(1.58)
    assert found.p_difference == approx(0.002833, abs=5e-7)
    assert (found.low, found.high) == approx((0.7001142, 2.4598858), abs=5e-8)


def test_independent_difference_of_student():
    """R again, of the same numbers taken as two groups: t = 1.8608 with 17.776 degrees of freedom."""
    found = compare(by_seed(FIRST_DRUG), by_seed(SECOND_DRUG), paired=False, metric="mae", margin=1)
    assert found.p_difference == approx(0.07939, abs=5e-6)
    assert (found.low, found.high) == approx((-0.2054832, 3.3654832), abs=5e-8)


def test_independent_equivalence_of_lakens():
    """Lakens (2017), Equivalence tests: a practical primer: a replication by Moery and Calin-Jageman.

    95 people with mean 5.25 and deviation 0.95, 89 with 5.22 and 0.83, and a margin of 0.43 standardised, 0.384 raw:
    the larger of the two one-sided p-values is that of t(182) = -2.69, p = 0.004.
    """
    first, second = by_seed(with_moments(5.25, 0.95, 95)), by_seed(with_moments(5.22, 0.83, 89, seed=1))
    found = compare(first, second, paired=False, metric="mae", margin=0.384)
    assert found.p_equivalence == approx(0.004, abs=5e-4)
    assert found.verdict == "equivalent"


def test_paired_equivalence_of_a_clinical_trial():
    """R's package `equivalence` on a paired trial with 15 patients (a data set of SAS's manual), as statsmodels quotes it.

    Mean difference 0.16467, standard error 0.13575, margin 0.6: p = 0.0031669, and the 90 % interval is -0.0744337 to
    0.4037670.
    """
    error = 0.1357514067862445
    first = with_moments(4.0, 0.5, 15)
    second = first + with_moments(0.1646666666666667, error * 15**0.5, 15, seed=1)
    found = compare(by_seed(first), by_seed(second), paired=True, metric="mae", margin=0.6, alpha=0.1)
    assert found.p_equivalence == approx(0.003166881489265175)
    assert (found.low, found.high) == approx((-0.0744336620516462, 0.4037669953849797))


def test_paired_equivalence_that_is_not_shown():
    """The second outcome of the same trial: difference 0.56267, standard error 0.24783, p = 0.4412."""
    first = with_moments(4.0, 0.5, 15)
    second = first + with_moments(0.5626666666666665, 0.2478276410785118 * 15**0.5, 15, seed=1)
    found = compare(by_seed(first), by_seed(second), paired=True, metric="mae", margin=0.6)
    assert found.p_equivalence == approx(0.4412034046017588)
    assert found.verdict == "different"


def test_paired_equivalence_of_mara_and_cribbie():
    """The paired example of the R package TOSTER, after Mara and Cribbie (2012): 65 pairs, bounds 0.34.

    Its t-values follow by hand from the printed moments: the deviation of the differences is
    sqrt(1.17² + 1.30² - 2 · 0.745 · 1.17 · 1.30) = 0.8901, so t(64) = (0.08 - 0.34) / (0.8901 / √65) = -2.355 and p = 0.0108.
    """
    first, second = pairs_with_moments((5.75, 5.83), (1.30, 1.17), 0.745, 65)
    found = compare(by_seed(first), by_seed(second), paired=True, metric="mae", margin=0.34)
    assert found.difference == approx(0.08)
    assert found.p_equivalence == approx(0.0108, abs=1e-4)


@pytest.mark.parametrize(
    ("paired", "seeds", "deviations"),
    [(False, 64, 0.50), (False, 26, 0.80), (True, 34, 0.50), (True, 15, 0.80)],
)
def test_detectable_difference_of_cohen(paired, seeds, deviations):
    """Cohen (1988), tables of sample sizes for 80 % power at 5 %, two-sided: 64 and 26 a group, and as G*Power says 34 and 15
    pairs, are the least with which a difference of so many deviations is seen."""

    def minimum_detectable_effect(n: int) -> float:
        first, second = with_moments(0, 1, n), with_moments(0, 1, n, seed=1)
        if paired:
            first, second = [0.0] * n, with_moments(0, 1, n)
        return compare(
            by_seed(first), by_seed(second), paired=paired, metric="mae", margin=0.01
        ).minimum_detectable_effect

    assert minimum_detectable_effect(seeds) <= deviations < minimum_detectable_effect(seeds - 1)


def test_holm_of_an_encyclopedia():
    """Wikipedia's example of Holm (1979): 0.01, 0.04, 0.03 and 0.005 refute the first and the last at 5 %, and no more.

    Adjusted they are 0.03, 0.06, 0.06 and 0.02.
    """
    one = compare(by_seed([0, 1, 3]), by_seed([1, 2, 5]), paired=True, metric="mae", margin=1)
    family = [
        replace(one, unadjusted=replace(one.unadjusted, p_difference=p, p_equivalence=1.0))
        for p in (0.01, 0.04, 0.03, 0.005)
    ]
    found = holm_adjust(family)
    assert [one.p_difference for one in found] == approx([0.03, 0.06, 0.06, 0.02])
    assert [one.verdict for one in found] == ["different", "undecided", "undecided", "different"]
