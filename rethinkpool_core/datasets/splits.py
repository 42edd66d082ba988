"""Random 80/10/10 splits that depend on the classes and the seed alone."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral

import numpy as np
import torch
from torch import Tensor

from rethinkpool_core.errors import DataError, UsageError


def draw_split(policy: str, y: Tensor, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Draw training, validation and test indices: ``"stratified"``, or ``"paired"`` as `paired_split` does."""
    return paired_split(y.numel(), seed) if policy == "paired" else stratified_split(y, seed)


def paired_split(graphs: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Draw training, validation and test indices (sorted, int64) so that graphs 2i and 2i + 1 are in the same part.

    Raises as `stratified_split`, of the pairs; DataError for an odd number of graphs.
    """
    if graphs % 2:
        raise DataError(f"{graphs} graphs are not pairs: give an even number, the two of a pair side by side")
    parts = stratified_split(torch.zeros(graphs // 2, dtype=torch.int64), seed)
    train, val, test = (torch.stack([2 * part, 2 * part + 1], dim=1).flatten() for part in parts)
    return train, val, test


def stratified_split(y: Tensor, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Draw training, validation and test indices (sorted, int64) with the same share of each class.

    A tenth of the graphs (rounded) each are for validation and test, divided among the classes by largest remainders, so
    that sizes depend on the class counts only. A float ``y`` (regression) counts as one class. The global random state is
    neither read nor changed.

    y     ``[graphs]`` classes or targets
    seed  a whole number of at least 0

    Raises UsageError if the seed is not such a number; DataError if there are fewer than three graphs.
    """
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise UsageError(f"the split seed {seed!r} is not a whole number of at least 0: choose one such as 0")
    graphs = y.numel()
    if graphs < 3:
        raise DataError(
            f"{graphs} graphs cannot be split into train, validation and test: at least 3 are needed"
        )
    labels = np.zeros(graphs, dtype=np.int64) if y.is_floating_point() else y.numpy()
    classes, counts = np.unique(labels, return_counts=True)
    held_out = max(1, (graphs + 5) // 10)
    validation = _apportion(counts, held_out)
    test = _apportion(counts - validation, held_out)

    generator = np.random.default_rng(int(seed))
    parts: tuple[list[np.ndarray], ...] = ([], [], [])
    for label, v, t in zip(classes, validation, test, strict=True):
        members = generator.permutation(np.flatnonzero(labels == label))
        for part, chosen in zip(parts, (members[v + t :], members[:v], members[v : v + t]), strict=True):
            part.append(chosen)
    train, val, held = (torch.from_numpy(np.sort(np.concatenate(part))) for part in parts)
    return train, val, held


def graph_numbers(index: Sequence[int] | Tensor, graphs: int, where: str) -> Tensor:
    """Return numbers of graphs as int64 ``[n]``.

    graphs  how many there are
    where   what holds the numbers, for the message

    Raises UsageError for anything but whole numbers of at least 0 and below ``graphs``.
    """
    try:
        found = torch.as_tensor(index).reshape(-1)
    except (TypeError, ValueError, RuntimeError):  # torch's reasons speak of its own types
        found = torch.tensor([torch.nan])
    if not len(found):
        return found.long()
    whole = not (found.is_floating_point() or found.is_complex() or found.dtype == torch.bool)
    if not whole or not 0 <= int(found.long().min()) <= int(found.long().max()) < graphs:
        raise UsageError(f"{where} must hold whole numbers from 0 to {graphs - 1}, the numbers of the graphs")
    return found.long()


def _apportion(counts: np.ndarray, total: int) -> np.ndarray:
    """Divide ``total`` in proportion to ``counts`` by largest remainders; in a tie the first class gets more."""
    scaled = counts * total
    shares = scaled // counts.sum()
    remainders = scaled % counts.sum()
    shares[np.argsort(-remainders, kind="stable")[: total - shares.sum()]] += 1
    return shares
