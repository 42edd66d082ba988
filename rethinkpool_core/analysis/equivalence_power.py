r"""Power of the test of equivalence (TOST): the probability that it comes out, given the true difference and spread.

With :math:`e` the true standard error of the difference of means, :math:`\nu` the degrees of freedom, :math:`\delta` the margin
and :math:`\Delta` the true difference, equivalence is shown where :math:`|\bar d| < \delta - t_{1 - \alpha, \nu}\, \hat e`. Here
:math:`\bar d` is normal around :math:`\Delta` with deviation :math:`e`, and independently :math:`\nu \hat e^2 / e^2` is
chi-square with :math:`\nu` degrees of freedom. For paired seeds this is exact. For Welch's test, with Satterthwaite's degrees of
freedom, it is an approximation.
"""

from __future__ import annotations

from functools import cache
from math import sqrt
from typing import TYPE_CHECKING

from rethinkpool_core.errors import UsageError

if TYPE_CHECKING:
    import numpy as np


def equivalence_power(
    standard_error: float,
    degrees_of_freedom: float,
    margin: float,
    *,
    alpha: float = 0.05,
    difference: float = 0.0,
    comparisons: int = 1,
) -> float:
    """Return the probability that the TOST shows equivalence within ``margin``.

    standard_error    true standard error of the difference of means, in the unit of the margin
    difference        true difference
    comparisons       test at ``alpha / comparisons``, as Holm's adjustment tests the smallest p-value of so many

    Raises UsageError where an argument is out of range.
    """
    import numpy as np
    from scipy.stats import chi2, norm, t

    if not (
        standard_error > 0 and degrees_of_freedom > 0 and margin > 0 and 0 < alpha < 0.5 and comparisons >= 1
    ):
        raise UsageError(
            "the power of a test of equivalence needs a standard error, degrees of freedom and a margin above 0, "
            f"alpha between 0 and 0.5 and at least one comparison, and got {standard_error}, {degrees_of_freedom}, {margin}, "
            f"{alpha} and {comparisons}"
        )
    critical = float(t.isf(alpha / comparisons, degrees_of_freedom))
    # Beyond this quantile of the chi-square the estimated error is too large for any mean difference to be equivalent.
    largest = float(
        chi2.cdf(degrees_of_freedom * (margin / (critical * standard_error)) ** 2, degrees_of_freedom)
    )
    points, weights = _quadrature()
    shares = largest * points
    estimated = standard_error * np.sqrt(chi2.ppf(shares, degrees_of_freedom) / degrees_of_freedom)
    room = margin - critical * estimated
    inside = norm.cdf((room - difference) / standard_error) - norm.cdf((-room - difference) / standard_error)
    return float(largest * (weights @ np.maximum(inside, 0.0)))


@cache
def _quadrature() -> tuple[np.ndarray, np.ndarray]:
    """Points and weights of Gauss-Legendre quadrature on [0, 1]; they take longer to compute than the integral."""
    import numpy as np

    nodes, weights = np.polynomial.legendre.leggauss(400)
    return (nodes + 1) / 2, weights / 2


def paired_standard_error(std_of_differences: float, seeds: int) -> tuple[float, float]:
    """Standard error and degrees of freedom of the mean difference of so many paired seeds."""
    return std_of_differences / sqrt(seeds), seeds - 1.0


def independent_standard_error(stds: tuple[float, float], seeds: tuple[int, int]) -> tuple[float, float]:
    """Standard error and Satterthwaite's degrees of freedom of the difference of the means of independent samples."""
    shares = [std**2 / size for std, size in zip(stds, seeds, strict=True)]
    degrees = sum(shares) ** 2 / sum(share**2 / (size - 1) for share, size in zip(shares, seeds, strict=True))
    return sqrt(sum(shares)), degrees


def smallest_margin_with_power(
    standard_error: float,
    degrees_of_freedom: float,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    comparisons: int = 1,
) -> float:
    """Return the margin within which a true difference of 0 is shown equivalent with probability ``power``."""
    from scipy.optimize import brentq

    def excess(margin: float) -> float:
        return (
            equivalence_power(
                standard_error, degrees_of_freedom, margin, alpha=alpha, comparisons=comparisons
            )
            - power
        )

    high = standard_error
    while excess(high) < 0:
        high *= 2
    return float(brentq(excess, high / 1e6, high))
