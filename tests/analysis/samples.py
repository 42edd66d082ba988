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


def runs_of(*cells, seeds=range(1, 21), spread=0.02):
    """Rows of ``(cell, mean)``; each seed's split moves all models alike."""
    rows = []
    for number, (cell, mean) in enumerate(cells):
        for seed in seeds:
            common, own = (
                np.random.default_rng([seed]).normal(),
                np.random.default_rng([seed, number + 1]).normal(),
            )
            score = mean + spread * (common + 0.1 * own)
            rows.append(
                {
                    "key": cell.key(seed), "cell": cell.digest, "model": cell.model, "dataset": cell.spec.name,
                    "seed": seed, "metric": cell.spec.metric, "val_score": score, "test_score": score,
                    "best_epoch": 3, "epochs": 5 + seed % 3, "max_epochs": 1000, "error": None,
                    "config": cell.config, "curves": {"val_score": list(np.linspace(0.5, score, 5 + seed % 3))},
                }
            )  # fmt: skip
    return pd.DataFrame(rows)
