"""The adjacency matrices of pooled graphs."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from rethinkpool_core.engine.adjacency import FactoredAdjacency
from rethinkpool_core.engine.pooled_products import PooledProducts


class PooledAdjacency(FactoredAdjacency):
    """A' = S^T A S."""

    removed = None

    def __init__(self, products: PooledProducts):
        self.products, self.factor, self.below = products, products.S, products.adjacency_below

    @cached_property
    def matrix(self) -> Tensor | None:
        return self.products.matrix

    def degree(self) -> Tensor:
        return self._degree

    @cached_property
    def _degree(self) -> Tensor:
        if self.matrix is not None:
            return self.matrix.sum(-1)
        # A' 1 = S^T A 1, since the rows of S sum to 1.
        degree = self.below.degree().unsqueeze(-1).to(self.factor.S.dtype)
        return self.factor.pool(degree).squeeze(-1)

    def mean(self, x: Tensor, add_self_loops: bool) -> Tensor:
        """Return A' x over the degrees, at least 1, (B, K, D); with every diagonal entry set to 1 first if asked for."""
        terms = self.products.terms
        if self.products.dense:
            key = f"mean, loops {add_self_loops}"
            if key not in vars(self):  # the same for all convolutions of a level
                vars(self)[key] = terms.get(key, lambda: self._mean_matrix(add_self_loops))
            return vars(self)[key] @ x
        total, weight = self @ x, terms.get("degree", self.degree).unsqueeze(-1)
        if add_self_loops:
            change = 1 - terms.get("diagonal", lambda: self.products.diagonal).unsqueeze(-1)
            total, weight = total + change * x, weight + change
        return total / weight.clamp(min=1)

    def _mean_matrix(self, add_self_loops: bool) -> Tensor:
        values = self.matrix
        if add_self_loops:
            eye = torch.eye(values.shape[-1], dtype=values.dtype, device=values.device)
            values = values * (1 - eye) + eye
        return values / values.sum(-1, keepdim=True).clamp(min=1)
