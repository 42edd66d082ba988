"""Node features of a model from the compact rows of a store."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor


@cache
def _identity(size: int, device: torch.device) -> Tensor:
    """Return the one-hot vectors: looking them up takes one pass, torch's one_hot three, in int64."""
    return torch.eye(size, device=device)


def encode(x: Tensor, dataset) -> Tensor:
    """Encode rows ``[..., C]`` of the store of a `GraphDataset` as its node features.

    Returns ``one_hot``: float32 ``[..., num_features]``; ``ones``: float32 ones ``[..., num_features]``; ``dense``: float32
    ``[..., C]``; ``categorical``: int64 ``[..., C]``, for an embedding.
    """
    kind = dataset.spec.features
    if kind == "one_hot":
        codes = x[..., 0].long()
        rows = _identity(dataset.num_features, x.device).index_select(0, codes.flatten())
        return rows.view(*codes.shape, dataset.num_features)
    if kind == "ones":
        return torch.ones((*x.shape[:-1], dataset.num_features), dtype=torch.float32, device=x.device)
    return x.long() if kind == "categorical" else x.to(torch.float32)
