"""The printed Table S5 by the tests that our own results get: means, standard deviations and the number of runs are printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from rethinkpool_core.analysis.equivalence import ALPHA, Comparison, holm, holm_adjust
from rethinkpool_core.analysis.equivalence_power import independent_standard_error
from rethinkpool_core.analysis.pairs import pairs_among
from rethinkpool_core.analysis.tables import PUBLISHED_SEEDS
from rethinkpool_core.analysis.two_samples import TwoSampleTests, t_tests_of_difference
from rethinkpool_core.paper import TABLES, PublishedScore, get_metric, published

_SIZES = (PUBLISHED_SEEDS, PUBLISHED_SEEDS)


@dataclass(frozen=True)
class PrintedComparison:
    """A pair of Table S5 as printed.

    comparison            of the printed numbers, with unpaired tests
    rounded_difference    smallest and largest p-value of the test of difference, adjusted after Holm as that of ``comparison``,
                          over all tables whose means and standard deviations round to the printed ones
    rounded_equivalence   the same of the test of equivalence
    """

    comparison: Comparison
    rounded_difference: tuple[float, float]
    rounded_equivalence: tuple[float, float]

    @property
    def survives_rounding(self) -> bool:
        """Whether all tables that round to the printed one give the pair the same verdict."""
        ranges = (self.rounded_difference, self.rounded_equivalence)
        return all(
            (least < self.comparison.alpha) == (most < self.comparison.alpha) for least, most in ranges
        )


def printed_comparisons(*, margin: float = 1.0, alpha: float = ALPHA) -> list[PrintedComparison]:
    """Compare each method of Table S5 with its twin on every dataset, with p-values adjusted after Holm over the sixteen pairs.

    margin    of equivalence, as a multiple of that of each metric

    The table does not tell which run of a method had the same split as which run of its twin, so the tests are Welch's for
    independent samples. Where a seed draws the split, pairing would usually make them sharper.
    """
    models = TABLES["S5"].models
    pairs = sorted(pairs_among(models), key=lambda pair: models.index(pair[0]))
    scores = [
        (published("S5", method, dataset), published("S5", twin, dataset))
        for dataset in dict.fromkeys(row.dataset for row in published("S5"))
        for method, twin in pairs
    ]
    found = holm_adjust([_compare(*pair, margin, alpha) for pair in scores])
    rounded = [_over_rounding(*pair, one.margin, alpha) for one, pair in zip(found, scores, strict=True)]
    difference, equivalence = (_adjust_ranges(ranges) for ranges in zip(*rounded, strict=True))
    return [PrintedComparison(*one) for one in zip(found, difference, equivalence, strict=True)]


def welch_t_tests_of_moments(
    means: tuple[float, float], stds: tuple[float, float], sizes: tuple[int, int], margin: float, alpha: float
) -> TwoSampleTests:
    """`welch_t_tests` of two samples known by their means, standard deviations (n - 1) and sizes."""
    error, degrees = independent_standard_error(stds, sizes)
    return t_tests_of_difference(means[1] - means[0], error, degrees, margin, alpha)


def _compare(method: PublishedScore, twin: PublishedScore, margin: float, alpha: float) -> Comparison:
    margin = margin * get_metric(method.metric).margin
    tests = welch_t_tests_of_moments((method.mean, twin.mean), (method.std, twin.std), _SIZES, margin, alpha)
    return Comparison(
        method.dataset,
        method.model,
        twin.model,
        method.metric,
        paired=False,
        seeds=_SIZES,
        margin=margin,
        alpha=alpha,
        difference=tests.difference,
        unadjusted=tests,
        p_difference=tests.p_difference,
        p_equivalence=tests.p_equivalence,
    )


def _adjust_ranges(ranges: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Adjust ranges of p-values after Holm.

    No adjusted p-value falls when another of the family rises, and no two pairs share a number, so both ends are reached.
    """
    least, most = (holm(ends) for ends in zip(*ranges, strict=True))
    return list(zip(least, most, strict=True))


def _over_rounding(
    method: PublishedScore, twin: PublishedScore, margin: float, alpha: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Ranges of the unadjusted p-values of difference and of equivalence over the numbers that round to the printed ones.

    The p-values depend on the distance of the means and on the two deviations, and are extreme at the corners of the box.
    """
    half = 0.5 * 10.0 ** -get_metric(method.metric).digits
    apart = abs(twin.mean - method.mean)
    tests = [
        welch_t_tests_of_moments(
            (0.0, distance), (method.std + first * half, twin.std + second * half), _SIZES, margin, alpha
        )
        for distance in (max(0.0, apart - 2 * half), apart + 2 * half)
        for first, second in product((-1, 1), repeat=2)
    ]
    ranges = [[getattr(one, name) for one in tests] for name in ("p_difference", "p_equivalence")]
    return tuple((min(values), max(values)) for values in ranges)
