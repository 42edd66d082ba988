"""Do two models differ, and if not, do we know that they do not?

A test that finds no difference shows nothing: it may have had too few seeds. So each pair is asked twice, whether a
difference of 0 is refuted and whether every difference of at least the margin is (`two_samples`). Both, one or neither may be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isinf
from typing import Literal

import numpy as np

from rethinkpool_core.analysis.two_samples import (
    POWER,
    Tests,
    minimum_detectable_effect,
    paired_tests,
    welch_tests,
)
from rethinkpool_core.errors import UsageError
from rethinkpool_core.paper import Metric, get_metric

ALPHA = 0.05

__all__ = ["ALPHA", "POWER", "Comparison", "Verdict", "compare", "holm_adjust"]

Verdict = Literal["equivalent", "different", "different within the margin", "undecided"]


@dataclass(frozen=True)
class Comparison:
    """A method and its twin on a dataset; numbers in points (percent), or for ``mae`` in the target's unit.

    settings        what of both differs from the protocol, empty if nothing does
    paired          whether a seed of one was set beside the same seed of the other, which had the same split
    seeds           how many of each side were used
    failed          how many of each side have no score
    unpaired           how many of each side were left out, because the other side has no score with that seed
    difference      twin minus method: above 0 the twin's number is the larger, which is better but for ``mae``
    tests           of this pair alone; None where there can be none, and ``untested`` says why
    p_difference, p_equivalence
                    of the two tests; after `holm_adjust` adjusted for their number, which is then ``comparisons``
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
    unpaired: tuple[int, int] = (0, 0)
    tests: Tests | None = None
    untested: str = ""
    settings: str = ""
    p_difference: float | None = None
    p_equivalence: float | None = None
    comparisons: int = 1

    @property
    def low(self) -> float | None:
        """Lower end of the interval of the difference, of confidence 1 - alpha."""
        return None if self.tests is None else self.tests.interval[0]

    @property
    def high(self) -> float | None:
        """Its upper end."""
        return None if self.tests is None else self.tests.interval[1]

    @property
    def minimum_detectable_effect(self) -> float | None:
        """The smallest true difference that so many seeds show with probability `POWER`, given how they scatter."""
        if self.tests is None:
            return None
        return minimum_detectable_effect(self.tests.error, self.tests.degrees, self.alpha)

    @property
    def tested(self) -> bool:
        return self.tests is not None

    @property
    def scored_by(self) -> Metric:
        return get_metric(self.metric)

    @property
    def verdict(self) -> Verdict:
        """By the corrected p-values."""
        if not self.tested:
            return "undecided"
        differs, equals = self.p_difference < self.alpha, self.p_equivalence < self.alpha
        if equals:
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
    """Compare scores by seed, accuracy and ROC-AUC in [0, 1]; a score that is None or NaN is that of a failed run.

    paired    set each seed beside the same seed of the other; seeds of one side alone are left out
    names     those of dataset, method and twin

    Raises UsageError where one side has no score at all, a score is infinite, or the margin or alpha makes no sense.
    """
    scored_by = get_metric(metric)
    margin = scored_by.margin if margin is None else margin
    _check(margin, alpha)
    where = f"{names[1]} and {names[2]} on {names[0]}"
    scores = [
        {seed: score for seed, score in side.items() if score is not None and score == score}
        for side in (method, twin)
    ]
    if not all(scores):
        raise UsageError(f"{where} cannot be compared where one of them has no score: train both")
    if any(isinf(score) for side in scores for score in side.values()):
        raise UsageError(f"{where} have an infinite score: give scores as runs record them")
    failed = (len(method) - len(scores[0]), len(twin) - len(scores[1]))
    shared = sorted(scores[0].keys() & scores[1].keys())
    used = [shared, shared] if paired and shared else [sorted(side) for side in scores]
    first, second = (
        scored_by.scale * np.array([side[seed] for seed in seeds])
        for side, seeds in zip(scores, used, strict=True)
    )
    made = Comparison(
        *names,
        metric,
        paired,
        seeds=(len(first), len(second)),
        margin=float(margin),
        alpha=float(alpha),
        difference=float(second.mean() - first.mean()),
        failed=failed,
        unpaired=(len(scores[0]) - len(used[0]), len(scores[1]) - len(used[1])),
    )
    if paired and not shared:
        return replace(made, untested="no seed is common to both, and a seed stands for a split")
    if min(made.seeds) < 2:
        return replace(made, untested="one seed tells nothing of how seeds scatter")
    scattered = [second - first] if paired else [first, second]
    if all(_constant(values) for values in scattered):
        return replace(made, untested="the seeds do not scatter, and every test measures against that")
    tests = (paired_tests if paired else welch_tests)(first, second, margin, alpha).plain()
    return replace(made, tests=tests, p_difference=tests.p_difference, p_equivalence=tests.p_equivalence)


def holm_adjust(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The same with the p-values of each kind of test adjusted after Holm, which bounds the probability of any false positive.

    The intervals stay those of single comparisons.
    """
    from statsmodels.stats.multitest import multipletests

    places = [place for place, one in enumerate(comparisons) if one.tested]
    if not places:
        return list(comparisons)
    adjusted = {
        name: multipletests([getattr(comparisons[place].tests, name) for place in places], method="holm")[1]
        for name in ("p_difference", "p_equivalence")
    }
    found = list(comparisons)
    for row, place in enumerate(places):
        values = {name: float(p[row]) for name, p in adjusted.items()}
        found[place] = replace(comparisons[place], comparisons=len(places), **values)
    return found


def _constant(values: np.ndarray) -> bool:
    """Nothing but rounding varies."""
    return bool(np.ptp(values) <= 1e-12 * max(1.0, float(np.abs(values).max())))


def _check(margin: float, alpha: float) -> None:
    if not 0 < margin < float("inf"):
        raise UsageError(
            f"the margin of equivalence cannot be {margin}: give a positive number, in points or in the target's unit"
        )
    if not 1e-4 <= alpha < 0.5:
        raise UsageError(
            f"alpha, the level of the tests, cannot be {alpha}: give a number from 0.0001 on and below 0.5, as 0.05"
        )
