r"""Tests of two samples: of a difference (t-test), of equivalence within a margin (TOST), and the minimum detectable effect.

With :math:`\bar d` the difference of means, :math:`e` its standard error and :math:`T` Student's t with :math:`\nu` degrees of
freedom, the test of difference has :math:`p = 2 P(T > |\bar d| / e)`. The two one-sided tests (TOST, Schuirmann 1987) of
equivalence within :math:`\delta` have together :math:`p = \max(P(T > (\bar d + \delta) / e),\; P(T < (\bar d - \delta) / e))`.

Paired samples have :math:`e = s_d / \sqrt n` and :math:`\nu = n - 1`. Independent samples have Welch's
:math:`e = \sqrt{s_a^2 / n + s_b^2 / m}` and Satterthwaite's degrees of freedom.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

POWER = 0.8
"""Probability with which the minimum detectable effect is detected."""


@dataclass(frozen=True)
class TwoSampleTests:
    """Tests of samples of shape (n,), whose results are numbers, or of R experiments at once, (n, R), whose results are (R,).

    difference              mean of the second sample minus mean of the first
    interval                confidence interval at level 1 - alpha: without 0 exactly where the test of difference has p < alpha
    tost_interval           confidence interval at level 1 - 2 alpha: within the margin exactly where the TOST has p < alpha
    p_difference            of the two-sided t-test
    p_equivalence           of the TOST
    standard_error          of the difference
    degrees_of_freedom      of the t distribution
    """

    difference: np.ndarray
    interval: tuple[np.ndarray, np.ndarray]
    tost_interval: tuple[np.ndarray, np.ndarray]
    p_difference: np.ndarray
    p_equivalence: np.ndarray
    standard_error: np.ndarray
    degrees_of_freedom: np.ndarray

    def to_floats(self) -> TwoSampleTests:
        """The tests of one experiment, with Python numbers."""
        return TwoSampleTests(
            *(tuple(map(float, v)) if isinstance(v, tuple) else float(v) for v in vars(self).values())
        )


def is_constant(values: np.ndarray) -> bool:
    """Whether values vary by no more than rounding."""
    return bool(np.ptp(values) <= 1e-12 * max(1.0, float(np.abs(values).max())))


def leaves_no_variance(first: np.ndarray, second: np.ndarray, paired: bool) -> bool:
    """Whether two samples, or the differences of pairs, are constant, so that there is no test."""
    return all(map(is_constant, [second - first] if paired else [first, second]))


def paired_t_tests(first: np.ndarray, second: np.ndarray, margin: float, alpha: float) -> TwoSampleTests:
    """Tests of paired samples: row i of both belongs together."""
    from statsmodels.stats.weightstats import DescrStatsW

    differences = DescrStatsW(second - first)
    return TwoSampleTests(
        difference=differences.mean,
        interval=differences.tconfint_mean(alpha),
        tost_interval=differences.tconfint_mean(2 * alpha),
        p_difference=differences.ttest_mean(0.0)[1],
        p_equivalence=differences.ttost_mean(-margin, margin)[0],
        standard_error=differences.std_mean,
        degrees_of_freedom=len(first) - 1.0,
    )


def welch_t_tests(first: np.ndarray, second: np.ndarray, margin: float, alpha: float) -> TwoSampleTests:
    """Tests of independent samples, which may differ in size and variance."""
    from statsmodels.stats.weightstats import CompareMeans

    both = CompareMeans.from_data(second, first)
    return TwoSampleTests(
        difference=both.d1.mean - both.d2.mean,
        interval=both.tconfint_diff(alpha, usevar="unequal"),
        tost_interval=both.tconfint_diff(2 * alpha, usevar="unequal"),
        p_difference=both.ttest_ind(usevar="unequal")[1],
        p_equivalence=both.ttost_ind(-margin, margin, usevar="unequal")[0],
        standard_error=both.std_meandiff_separatevar,
        degrees_of_freedom=both.dof_satt(),
    )


def t_tests_of_difference(
    difference: float, standard_error: float, degrees_of_freedom: float, margin: float, alpha: float
) -> TwoSampleTests:
    """Tests of a difference that is known by its standard error and degrees of freedom, without the samples."""
    from scipy.stats import t

    def interval(tail: float) -> tuple[float, float]:
        reach = standard_error * float(t.isf(tail, degrees_of_freedom))
        return difference - reach, difference + reach

    tails = (
        t.sf((difference + margin) / standard_error, degrees_of_freedom),
        t.cdf((difference - margin) / standard_error, degrees_of_freedom),
    )
    return TwoSampleTests(
        difference=difference,
        interval=interval(alpha / 2),
        tost_interval=interval(alpha),
        p_difference=2 * float(t.sf(abs(difference) / standard_error, degrees_of_freedom)),
        p_equivalence=float(max(tails)),
        standard_error=standard_error,
        degrees_of_freedom=degrees_of_freedom,
    )


def minimum_detectable_effect(standard_error: float, degrees_of_freedom: float, alpha: float) -> float:
    """The true difference that the two-sided t-test at level ``alpha`` detects with probability `POWER`."""
    return standard_error * _noncentrality(degrees_of_freedom, alpha)


@cache
def _noncentrality(degrees_of_freedom: float, alpha: float) -> float:
    """The minimum detectable effect in standard errors.

    The square of a noncentral t is a noncentral F with 1 and as many degrees of freedom, whose noncentrality is the square.
    """
    from scipy.optimize import brentq
    from scipy.stats import ncf, t

    critical = t.isf(alpha / 2, degrees_of_freedom)

    def excess_power(shift: float) -> float:
        return ncf.sf(critical**2, 1, degrees_of_freedom, shift**2) - POWER

    # Power grows with the shift, from alpha at 0; at twice the shift that a known variance needs it is well above 0.8.
    return float(brentq(excess_power, 0.0, 2 * (critical + t.ppf(POWER, degrees_of_freedom))))
