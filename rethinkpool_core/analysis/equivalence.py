"""Comparison of a method with its twin: do they differ, and if not, is their equivalence shown?

A test that finds no difference does not show equivalence: there may have been too few seeds. So each pair has two tests, of a
difference of 0 and of differences of at least the margin (`two_samples`). Either, both or neither may be significant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isinf
from typing import Literal

import numpy as np

from rethinkpool_core.analysis.two_samples import (
    TwoSampleTests,
    leaves_no_variance,
    minimum_detectable_effect,
    paired_t_tests,
    welch_t_tests,
)
from rethinkpool_core.errors import UsageError
from rethinkpool_core.paper import Metric, get_metric

ALPHA = 0.05

__all__ = ["ALPHA", "Comparison", "Verdict", "compare", "holm_adjust"]

Verdict = Literal["equivalent", "different", "different within the margin", "undecided"]


@dataclass(frozen=True)
class Comparison:
    """Comparison of a method with its twin on a dataset, in points (percent) or, for ``mae``, in the target's unit.

    settings            what both change in the protocol, empty if nothing
    paired              whether each seed of one is compared with the same seed of the other, which had the same split
    seeds               number of seeds of the method and of the twin that were compared
    margin              of equivalence
    alpha               level of the tests
    difference          twin minus method
    failed              number of runs of each that have no score
    unmatched           number of seeds of each that were left out, since the other has no score for the same seed
    unadjusted          tests of this pair alone; None where no test is possible
    why_untested        why no test is possible
    p_difference, p_equivalence
                        p-values of the two tests, adjusted for ``family_size`` comparisons by `holm_adjust`
    """

    dataset: str
    method: str
    twin: str
    metric: str
    paired: bool
    seeds: tuple[int, int]
    margin: float
    alpha: float
    difference: float
    failed: tuple[int, int] = (0, 0)
    unmatched: tuple[int, int] = (0, 0)
    unadjusted: TwoSampleTests | None = None
    why_untested: str = ""
    settings: str = ""
    p_difference: float | None = None
    p_equivalence: float | None = None
    family_size: int = 1

    @property
    def low(self) -> float | None:
        """Lower end of the confidence interval of the difference, at level 1 - alpha."""
        return None if self.unadjusted is None else self.unadjusted.interval[0]

    @property
    def high(self) -> float | None:
        """Upper end of the same interval."""
        return None if self.unadjusted is None else self.unadjusted.interval[1]

    @property
    def minimum_detectable_effect(self) -> float | None:
        """The smallest true difference that these seeds detect with a probability of 80 %, given their variance."""
        if self.unadjusted is None:
            return None
        tests = self.unadjusted
        return minimum_detectable_effect(tests.standard_error, tests.degrees_of_freedom, self.alpha)

    @property
    def tested(self) -> bool:
        return self.unadjusted is not None

    @property
    def scored_by(self) -> Metric:
        return get_metric(self.metric)

    @property
    def verdict(self) -> Verdict:
        """What the adjusted p-values show."""
        if not self.tested:
            return "undecided"
        differs, equivalent = self.p_difference < self.alpha, self.p_equivalence < self.alpha
        if equivalent:
            return "different within the margin" if differs else "equivalent"
        return "different" if differs else "undecided"


def compare(
    method: Mapping[int, float | None],
    twin: Mapping[int, float | None],
    *,
    paired: bool,
    metric: str = "accuracy",
    margin: float | None = None,
    alpha: float = ALPHA,
    names: tuple[str, str, str] = ("the dataset", "the method", "the twin"),
) -> Comparison:
    """Compare the scores of a method and its twin, given by seed; None and NaN are failed runs.

    method, twin    scores as runs record them: accuracy and ROC-AUC in [0, 1]
    paired          compare each seed with the same seed of the other; seeds that only one has are left out
    margin          of equivalence; by default that of the metric
    names           of dataset, method and twin

    Raises UsageError where one side has no score, a score is infinite, or the margin or alpha is out of range.
    """
    scored_by = get_metric(metric)
    margin = scored_by.margin if margin is None else margin
    _check(margin, alpha)
    pair = f"{names[1]} and {names[2]} on {names[0]}"
    scores = [
        {seed: score for seed, score in side.items() if score is not None and score == score}
        for side in (method, twin)
    ]
    if not all(scores):
        raise UsageError(f"{pair} cannot be compared, since one of them has no score: train both")
    if any(isinf(score) for side in scores for score in side.values()):
        raise UsageError(f"{pair} have an infinite score: give scores as runs record them")
    failed = (len(method) - len(scores[0]), len(twin) - len(scores[1]))
    shared = sorted(scores[0].keys() & scores[1].keys())
    used = [shared, shared] if paired and shared else [sorted(side) for side in scores]
    first, second = (
        scored_by.scale * np.array([side[seed] for seed in seeds])
        for side, seeds in zip(scores, used, strict=True)
    )
    untested = Comparison(
        *names,
        metric,
        paired,
        seeds=(len(first), len(second)),
        margin=float(margin),
        alpha=float(alpha),
        difference=float(second.mean() - first.mean()),
        failed=failed,
        unmatched=(len(scores[0]) - len(used[0]), len(scores[1]) - len(used[1])),
    )
    if paired and not shared:
        return replace(untested, why_untested="they have no seed, and so no split, in common")
    if min(untested.seeds) < 2:
        return replace(untested, why_untested="one seed leaves no variance to test against")
    if leaves_no_variance(first, second, paired):
        same = "their difference is" if paired else "the score of each is"
        return replace(
            untested, why_untested=f"{same} the same for every seed, which leaves no variance to test against"
        )
    tests = (paired_t_tests if paired else welch_t_tests)(first, second, margin, alpha).to_floats()
    return replace(
        untested, unadjusted=tests, p_difference=tests.p_difference, p_equivalence=tests.p_equivalence
    )


def holm_adjust(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Adjust the p-values of a family of comparisons after Holm (1979), tests of difference and of equivalence separately.

    The probability of any false positive of either kind is then at most alpha. Confidence intervals stay unadjusted.
    """
    size = sum(one.tested for one in comparisons)
    adjusted = {
        name: holm([getattr(one.unadjusted, name) if one.tested else None for one in comparisons])
        for name in ("p_difference", "p_equivalence")
    }
    return [
        replace(one, family_size=size, **{name: p[row] for name, p in adjusted.items()})
        if one.tested
        else one
        for row, one in enumerate(comparisons)
    ]


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return the p-values of a family of tests adjusted after Holm (1979); None, for what was not tested, stays None.

    The smallest of m is multiplied by m, the next by m - 1 and so on, and none gets less than a smaller one. statsmodels has this
    too, but collects garbage at every call, which takes a hundred times longer.
    """
    tested = np.array([p for p in p_values if p is not None])
    order = tested.argsort()
    adjusted = np.empty_like(tested)
    adjusted[order] = np.maximum.accumulate(tested[order] * np.arange(len(tested), 0, -1)).clip(max=1)
    rest = iter(adjusted.tolist())
    return [None if p is None else next(rest) for p in p_values]


def _check(margin: float, alpha: float) -> None:
    if not 0 < margin < float("inf"):
        raise UsageError(
            f"the margin of equivalence cannot be {margin}: give a positive number, in points or in the target's unit"
        )
    if not 1e-4 <= alpha < 0.5:
        raise UsageError(
            f"alpha, the level of the tests, cannot be {alpha}: give at least 0.0001 and less than 0.5, as in 0.05"
        )
