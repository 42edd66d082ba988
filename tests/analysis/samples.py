"""Samples with known moments, and runs made of them."""

from __future__ import annotations

import numpy as np
import pandas as pd


def with_moments(mean: float, std: float, n: int, seed: int = 0) -> np.ndarray:
    """n numbers whose mean and standard deviation (n - 1) are exactly these, up to rounding."""
    draws = np.random.default_rng(seed).normal(size=n)
    return mean + std * (draws - draws.mean()) / draws.std(ddof=1)


def pairs_with_moments(
    means: tuple[float, float], stds: tuple[float, float], correlation: float, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """n pairs whose means, deviations and correlation are exactly these, up to rounding."""
    draws = np.random.default_rng(0).normal(size=(n, 2))
    draws -= draws.mean(0)
    plain = draws @ np.linalg.inv(np.linalg.cholesky(draws.T @ draws / (n - 1))).T
    mixed = plain @ np.linalg.cholesky(np.array([[1, correlation], [correlation, 1]])).T
    return means[0] + stds[0] * mixed[:, 0], means[1] + stds[1] * mixed[:, 1]


def by_seed(values) -> dict[int, float]:
    """Scores of seeds 1, 2, ..."""
    return dict(enumerate(np.asarray(values, dtype=float).tolist(), start=1))


def runs_of(cells: dict[tuple[str, str], object], metric: str = "accuracy", **columns) -> pd.DataFrame:
    """One row a run of {(model, dataset): scores by seed, or in the order of the seeds}; None or NaN for a failed one."""
    rows = []
    for (model, dataset), scores in cells.items():
        scores = scores if isinstance(scores, dict) else by_seed([np.nan if s is None else s for s in scores])
        for seed, score in scores.items():
            failed = score is None or np.isnan(score)
            rows.append(
                {
                    "key": f"{model}-{dataset}-{seed}",
                    "cell": f"{model}-{dataset}",
                    "model": model,
                    "dataset": dataset,
                    "seed": seed,
                    "metric": metric,
                    "val_score": score,
                    "test_score": score,
                    "best_epoch": 0 if failed else 3,
                    "epochs": 0 if failed else 5,
                    "max_epochs": 1000,
                    "error": "the loss is not finite" if failed else None,
                    "config": {},
                    "curves": {},
                    **columns,
                }
            )
    return pd.DataFrame(rows)
