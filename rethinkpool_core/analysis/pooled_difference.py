"""One statement over several datasets: a meta-analysis of the differences of a method and its twin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rethinkpool_core.analysis.equivalence import Comparison
from rethinkpool_core.errors import UsageError


@dataclass(frozen=True)
class PooledDifference:
    """Twin minus method, in points, pooled over datasets.

    fixed       mean weighted by precision, and its confidence interval: for these datasets
    random      mean and interval of Hartung, Knapp, Sidik and Jonkman, which allow the difference to vary from dataset to
                dataset: for other datasets like these. With two or three datasets the interval is very wide
    tau         standard deviation of the true difference between datasets (Paule and Mandel)
    i2          share of the variation between datasets that is not explained by seeds
    p_same      p-value of the hypothesis that the true difference is the same on all of them (Cochran's Q)
    equivalent  whether the interval of ``fixed`` at level 1 - 2 alpha is within the margin
    """

    method: str
    twin: str
    datasets: tuple[str, ...]
    margin: float
    alpha: float
    fixed: tuple[float, float, float]
    random: tuple[float, float, float]
    tau: float
    i2: float
    p_same: float
    equivalent: bool


def pooled_difference(found: Sequence[Comparison]) -> PooledDifference:
    """Pool comparisons of one method and twin on several datasets, in points, with statsmodels' `combine_effects`.

    The variance of each difference is that over its seeds. It knows nothing of how other graphs of the same kind would differ.

    Raises UsageError for fewer than two tested comparisons, for several pairs, metrics without a common unit, or margins.
    """
    import numpy as np
    from scipy.stats import norm
    from statsmodels.stats.meta_analysis import combine_effects

    names = {(one.method, one.twin, one.scored_by.unit, one.margin, one.alpha) for one in found}
    if len(found) < 2 or len(names) != 1 or not all(one.tested for one in found):
        raise UsageError(
            "differences are pooled over at least two datasets with a test each, of one method and twin in one unit with one "
            f"margin, and {len(found)} comparisons of {len(names)} kinds were given"
        )
    first = found[0]
    pooled = combine_effects(
        np.array([one.difference for one in found]),
        np.array([one.unadjusted.standard_error**2 for one in found]),
        method_re="iterated",
        row_names=[one.dataset for one in found],
        use_t=True,
        alpha=first.alpha,
    )
    mean, error = float(pooled.mean_effect_fe), float(pooled.sd_eff_w_fe)
    reach, tost_reach = (float(norm.isf(tail)) * error for tail in (first.alpha / 2, first.alpha))
    low, high = map(float, pooled.conf_int(first.alpha, use_t=True)[3])  # random effects, estimated scale
    return PooledDifference(
        first.method,
        first.twin,
        tuple(one.dataset for one in found),
        first.margin,
        first.alpha,
        fixed=(mean, mean - reach, mean + reach),
        random=(float(pooled.mean_effect_re), low, high),
        tau=float(max(pooled.tau2, 0.0)) ** 0.5,
        i2=float(max(pooled.i2, 0.0)),
        p_same=float(pooled.test_homogeneity().pvalue),
        equivalent=abs(mean) + tost_reach < first.margin,
    )
