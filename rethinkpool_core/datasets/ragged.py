"""Pieces of different sizes one after the other in a flat tensor, as the nodes and edges of many graphs are."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def offsets_from_sizes(sizes: Tensor) -> Tensor:
    """Return where each piece begins, and where the last ends: sizes (..., n) -> (..., n + 1)."""
    return F.pad(sizes.cumsum(-1), (1, 0))


def repeat_ids(sizes: Tensor, total: int) -> Tensor:
    """Return which piece each of ``total`` entries belongs to, for pieces of ``sizes`` (n,): 0, 0, 1, 1, 1, ... -> (total,).

    With ``total``, the sum of the sizes, a GPU need not be asked for it.
    """
    return torch.repeat_interleave(sizes, output_size=total)


def ranges(first: Tensor, sizes: Tensor) -> Tensor:
    """Return first[i], first[i] + 1, ..., first[i] + sizes[i] - 1 for each i, one range after the other, (sum of sizes,).

    first    (n,)
    sizes    (n,) on the host
    """
    total = int(sizes.sum())
    sizes = sizes.to(first.device)
    shift = first - offsets_from_sizes(sizes)[:-1]
    return torch.arange(total, device=first.device) + shift.index_select(0, repeat_ids(sizes, total))
