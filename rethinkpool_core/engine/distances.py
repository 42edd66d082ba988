"""Squared distances between queries and keys; scaling and shifting them is folded into the product that computes them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class SquaredDistances:
    """scale |q_i - k_hj|^2 + shift for queries Q (R, n, D) and keys (R, H, K, D) of R replicas.

    ``d2 / tau`` and ``1 + d2`` are of this kind, too; `value` computes them.
    """

    Q: Tensor
    keys: Tensor
    scale: float = 1.0
    shift: float = 0.0

    def __truediv__(self, divisor: float) -> SquaredDistances:
        return replace(self, scale=self.scale / divisor, shift=self.shift / divisor)

    def __radd__(self, number: float) -> SquaredDistances:
        return replace(self, shift=self.shift + number)

    def value(self) -> Tensor:
        """Return the numbers, (R, n, H, K)."""
        H, K = self.keys.shape[1:3]
        keys = self.keys.flatten(1, 2)
        of_keys = keys.square().sum(-1).unsqueeze(1) * self.scale + self.shift
        of_queries = self.Q.square().sum(-1, keepdim=True) * self.scale
        products = torch.baddbmm(of_keys, self.Q, keys.mT, alpha=-2 * self.scale)
        return (products + of_queries).unflatten(-1, (H, K))
