r"""Corrected resampled t-test of Nadeau and Bengio (2003) for seeds that draw their splits from the same graphs.

The splits of one dataset overlap, so the differences :math:`d_i` of n seeds are correlated: their mean varies from dataset to
dataset by more than :math:`s_d / \sqrt n`. With :math:`n_1` training and :math:`n_2` test graphs, Nadeau and Bengio replace the
variance :math:`s_d^2 / n` of the mean by

.. math:: \left( \frac1n + \frac{n_2}{n_1} \right) s_d^2 ,

an approximation that takes the correlation of two splits to be the share :math:`n_2 / (n_1 + n_2)`. The second term does not
shrink with n. The question is wider than that of the paired test: not whether the two models differ on splits of *these* graphs,
but whether they differ on other graphs of the same kind.

C. Nadeau and Y. Bengio, Inference for the generalization error, Machine Learning 52, 239-281 (2003).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from rethinkpool_core.analysis.equivalence import Comparison
from rethinkpool_core.analysis.two_samples import TwoSampleTests, t_tests_of_difference
from rethinkpool_core.errors import UsageError

TEST_TO_TRAIN = 0.1 / 0.8
"""Test graphs per training graph in an 80/10/10 split."""


@dataclass(frozen=True)
class CorrectedTest:
    """The corrected tests of a paired comparison.

    tests       with the corrected standard error, for this pair alone
    floor       smallest margin within which any number of seeds could show a true difference of 0 equivalent, given their spread
    """

    comparison: Comparison
    tests: TwoSampleTests
    floor: float


def corrected_t_test(one: Comparison, test_to_train: float = TEST_TO_TRAIN) -> CorrectedTest:
    """Repeat the tests of a paired comparison with the corrected standard error.

    Raises UsageError for a comparison that is not paired, whose seeds share one split, or that was not tested.
    """
    from scipy.stats import norm

    if not one.paired or one.unadjusted is None:
        raise UsageError(
            f"{one.method} and {one.twin} on {one.dataset} have no paired test: "
            "the correction is for seeds that draw their splits"
        )
    usual = one.unadjusted
    seeds, degrees = one.seeds[0], usual.degrees_of_freedom
    spread = usual.standard_error * sqrt(seeds)
    error = spread * sqrt(1 / seeds + test_to_train)
    tests = t_tests_of_difference(usual.difference, error, degrees, one.margin, one.alpha)
    return CorrectedTest(one, tests, floor=float(norm.isf(one.alpha)) * spread * sqrt(test_to_train))
