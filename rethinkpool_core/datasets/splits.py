"""Stratified 80/10/10 splits that depend on their seed and on nothing else."""

from __future__ import annotations

from numbers import Integral

import numpy as np
import torch
from torch import Tensor

from rethinkpool_core.errors import DataError, UsageError


def stratified_split(y: Tensor, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Draw train, validation and test indices (sorted, int64) with the classes in equal shares.

    Sizes depend on the class counts only: a tenth of the graphs (rounded) for validation and for test, each
    class giving its share by largest remainders. A float ``y`` (regression) counts as one class. The
    generator is the split's own; the global random state is neither read nor moved.

    Raises:
        UsageError: the seed is not a whole number from 0 on.
        DataError: fewer than three graphs.
    """
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise UsageError(f"the split seed {seed!r} is not a whole number from 0 on: choose one such as 0")
    graphs = y.numel()
    if graphs < 3:
        raise DataError(
            f"{graphs} graphs cannot be split into train, validation and test: at least 3 are needed"
        )
    labels = np.zeros(graphs, dtype=np.int64) if y.is_floating_point() else y.numpy()
    classes, counts = np.unique(labels, return_counts=True)
    held_out = max(1, (graphs + 5) // 10)
    validation = _shares(counts, held_out)
    test = _shares(counts - validation, held_out)

    generator = np.random.default_rng(int(seed))
    parts: tuple[list[np.ndarray], ...] = ([], [], [])
    for label, v, t in zip(classes, validation, test, strict=True):
        members = generator.permutation(np.flatnonzero(labels == label))
        for part, chosen in zip(parts, (members[v + t :], members[:v], members[v : v + t]), strict=True):
            part.append(chosen)
    train, val, held = (torch.from_numpy(np.sort(np.concatenate(part))) for part in parts)
    return train, val, held


def _shares(counts: np.ndarray, total: int) -> np.ndarray:
    """Divide ``total`` in proportion to ``counts`` by largest remainders; the first class wins a tie."""
    scaled = counts * total
    shares = scaled // counts.sum()
    remainders = scaled % counts.sum()
    shares[np.argsort(-remainders, kind="stable")[: total - shares.sum()]] += 1
    return shares
