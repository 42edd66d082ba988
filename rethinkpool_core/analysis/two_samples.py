r"""The tests themselves, on numbers: is a difference of 0 refuted, and is every difference beyond a margin refuted?

With :math:`\bar d` the difference of means, e its standard error and T Student's t with :math:`\nu` degrees of freedom, the
test of difference has :math:`p = 2 P(T > |\bar d| / e)`; the two one-sided tests of equivalence within :math:`\delta` (TOST,
Schuirmann 1987) have together :math:`p = \max(P(T > (\bar d + \delta) / e),\; P(T < (\bar d - \delta) / e))`.

Paired, :math:`e = s_d / \sqrt n` with :math:`\nu = n - 1`. Not paired, Welch's :math:`e = \sqrt{s_a^2 / n + s_b^2 / m}` with the
degrees of freedom of Satterthwaite.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

POWER = 0.8
"""Probability with which a difference that is called minimum_detectable_effect is seen."""


@dataclass(frozen=True)
class Tests:
    """For samples of shape (n,) a number each, for samples (n, R), which are R experiments at once, an array (R,).

    difference      mean of the second sample minus that of the first
    interval        of confidence 1 - alpha: it leaves out 0 exactly where the test of difference has p < alpha
    inner           the same of confidence 1 - 2 alpha: it lies within the margin exactly where that of equivalence has
    error, degrees  the standard error of the difference and its degrees of freedom
    """

    difference: np.ndarray
    interval: tuple[np.ndarray, np.ndarray]
    inner: tuple[np.ndarray, np.ndarray]
    p_difference: np.ndarray
    p_equivalence: np.ndarray
    error: np.ndarray
    degrees: np.ndarray

    def plain(self) -> Tests:
        """Of one experiment, as Python's numbers."""
        return Tests(
            *(tuple(map(float, v)) if isinstance(v, tuple) else float(v) for v in vars(self).values())
        )


def paired_tests(first: np.ndarray, second: np.ndarray, margin: float, alpha: float) -> Tests:
    """Row i of both samples belongs together."""
    from statsmodels.stats.weightstats import DescrStatsW

    apart = DescrStatsW(second - first)
    return Tests(
        difference=apart.mean,
        interval=apart.tconfint_mean(alpha),
        inner=apart.tconfint_mean(2 * alpha),
        p_difference=apart.ttest_mean(0.0)[1],
        p_equivalence=apart.ttost_mean(-margin, margin)[0],
        error=apart.std_mean,
        degrees=len(first) - 1.0,
    )


def welch_tests(first: np.ndarray, second: np.ndarray, margin: float, alpha: float) -> Tests:
    """Independent samples, of any two sizes and spreads."""
    from statsmodels.stats.weightstats import CompareMeans

    both = CompareMeans.from_data(second, first)
    return Tests(
        difference=both.d1.mean - both.d2.mean,
        interval=both.tconfint_diff(alpha, usevar="unequal"),
        inner=both.tconfint_diff(2 * alpha, usevar="unequal"),
        p_difference=both.ttest_ind(usevar="unequal")[1],
        p_equivalence=both.ttost_ind(-margin, margin, usevar="unequal")[0],
        error=both.std_meandiff_separatevar,
        degrees=both.dof_satt(),
    )


def minimum_detectable_effect(error: float, degrees: float, alpha: float) -> float:
    """The true difference that the two-sided test at ``alpha`` sees with probability `POWER`, the spread being as measured."""
    return error * _shift(degrees, alpha)


@cache
def _shift(degrees: float, alpha: float) -> float:
    """`minimum_detectable_effect` in standard errors.

    The square of a noncentral t is a noncentral F of one and so many degrees of freedom, shifted by the square.
    """
    from scipy.optimize import brentq
    from scipy.stats import ncf, t

    critical = t.isf(alpha / 2, degrees)

    def missing(shift: float) -> float:
        return ncf.sf(critical**2, 1, degrees, shift**2) - POWER

    # The probability grows with the shift, from alpha at 0; at twice what would do for a known spread it is well above 0.8.
    return float(brentq(missing, 0.0, 2 * (critical + t.ppf(POWER, degrees))))
