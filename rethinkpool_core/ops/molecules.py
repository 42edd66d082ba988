"""Embeddings of OGB's categorical atom and bond features."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn

from rethinkpool_core.datasets.ragged import offsets_from_sizes
from rethinkpool_core.engine.affine import by_replica

# Number of values of each feature in ogb.utils.features (1.3.6): importing ogb here would start its network check.
ATOM_DIMS = (119, 5, 12, 12, 10, 6, 6, 2, 2)
BOND_DIMS = (5, 6, 2)


@cache
def _starts(sizes: tuple[int, ...], device: torch.device) -> Tensor:
    """First row of each table."""
    return offsets_from_sizes(torch.tensor(sizes))[:-1].to(device)


class CategoryEmbedding(nn.Module):
    """Sum of one embedding a feature, as OGB's AtomEncoder and BondEncoder.

    The tables stand one under the other, and a row of features is a 0/1 vector that multiplies them: one matrix product
    instead of nine look-ups. codes (..., C) int64 -> (..., dim). Tables are drawn one by one, Xavier uniform, as OGB's.
    """

    def __init__(self, sizes: tuple[int, ...], dim: int):
        super().__init__()
        self.sizes = sizes
        self.table = nn.Parameter(
            torch.cat([nn.init.xavier_uniform_(torch.empty(size, dim)) for size in sizes])
        )

    def forward(self, codes: Tensor) -> Tensor:
        hot = torch.zeros(*codes.shape[:-1], sum(self.sizes), dtype=self.table.dtype, device=codes.device)
        hot, table = by_replica(
            hot.scatter_(-1, codes + _starts(self.sizes, codes.device), 1.0), self.table, 2
        )
        return (hot @ table).view(*codes.shape[:-1], table.shape[-1])
