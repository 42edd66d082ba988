"""Embeddings of OGB's categorical atom and bond features."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# Number of values of each feature in ogb.utils.features (1.3.6): importing ogb here would start its network check.
ATOM_DIMS = (119, 5, 12, 12, 10, 6, 6, 2, 2)
BOND_DIMS = (5, 6, 2)


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
        starts = torch.tensor(self.sizes, device=codes.device).cumsum(0) - torch.tensor(
            self.sizes, device=codes.device
        )
        hot = torch.zeros(*codes.shape[:-1], sum(self.sizes), dtype=self.table.dtype, device=codes.device)
        return hot.scatter(-1, codes + starts, 1.0) @ self.table
