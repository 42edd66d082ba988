"""The products with the assignment matrix of one pooling layer, each computed when it is first asked for."""

from __future__ import annotations

from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from rethinkpool_core.engine.adjacency import bilinear_diagonal, use_dense_adjacency
from rethinkpool_core.engine.assignment import Assignment
from rethinkpool_core.engine.graph import Graph
from rethinkpool_core.engine.precomputed import Terms
from rethinkpool_core.engine.products import pool as pool_products


class Statistics(Protocol):
    """Numbers of a pooling layer that the auxiliary losses are made of, (B,) each.

    trace              tr(S^T A S)
    volume             tr(S^T D S), D the degrees of A
    squared_norm       |S|^2
    gram_norm_squared  |S^T S|^2, Frobenius norms
    """

    trace: Tensor
    volume: Tensor
    squared_norm: Tensor
    gram_norm_squared: Tensor


class PooledProducts:
    """The products with S of one pooling layer; what is wanted together is computed in one pass over S.

    dense    whether A' is written as a matrix
    fixed    whether A' depends on the graphs and the seed alone
    terms    of this layer
    readout  brings the statistics where a rule of the engine computes them on its way; else this object has them
    """

    def __init__(self, below: Graph, S: Assignment):
        self.below, self.S, self.adjacency_below = below, S, below.A
        self.dense = use_dense_adjacency(S.num_clusters, below.level.mean_nodes)
        self.fixed = S.fixed and below.level.fixed
        self.terms = below.level.terms.at(below.level.depth + 1) if self.fixed else Terms()
        self.readout: Statistics | None = None

    def compute(self, *, features: bool, adjacency: bool, gram: bool) -> None:
        """Compute what is not there yet; |S^T S|^2 also where the auxiliary losses will ask for it."""
        gram = gram or (self.S.learned and self.below.level.auxiliary)
        gram = gram and "gram_norm_squared" not in vars(self)
        features = features and "features" not in vars(self)
        adjacency = adjacency and self.dense and "matrix" not in vars(self)
        factors = [*self.below.parts] if features else []
        if adjacency:
            factors.append(self.adjacency_below @ self.S.S)
        norm, *products = pool_products(self.S.nodes.buckets, self.S.S, *factors, norm=gram)
        if gram:
            self.gram_norm_squared = norm
        if adjacency:
            self.matrix = products.pop()
        if features:
            self.features = products[0] if len(products) == 1 else torch.cat(products, -1)

    @cached_property
    def features(self) -> Tensor:
        """X', (B, K, D)."""
        # A convolution will want A', too, unless terms of it are there.
        self.compute(features=True, adjacency=not self.terms.available, gram=False)
        return vars(self)["features"]

    @cached_property
    def matrix(self) -> Tensor | None:
        """A', (B, K, K); None where it stays a product of factors."""
        if self.dense:
            self.compute(features=False, adjacency=True, gram=False)
        return vars(self).get("matrix")

    @cached_property
    def gram_norm_squared(self) -> Tensor:
        self.compute(features=False, adjacency=False, gram=True)
        return vars(self)["gram_norm_squared"]

    @cached_property
    def diagonal(self) -> Tensor:
        """Of A', (B, K)."""
        if self.matrix is not None:
            return self.matrix.diagonal(dim1=-2, dim2=-1)
        S = self.S
        return bilinear_diagonal(self.adjacency_below, S.S, S.S, S.nodes, S.squared)

    @cached_property
    def trace(self) -> Tensor:
        return self.diagonal.sum(-1)

    @property
    def squared_norm(self) -> Tensor:
        return self.S.nodes.sum(self.S.squared_row_norms).squeeze(-1)

    @property
    def volume(self) -> Tensor:
        degree = self.adjacency_below.degree().to(self.S.S.dtype).unsqueeze(-1)
        return self.S.nodes.sum(degree * self.S.squared_row_norms).squeeze(-1)

    def weight_to_others(self) -> Tensor:
        """Return the row sums of A' without its diagonal, (B, K), as sums of terms >= 0, in which nothing cancels."""
        return bilinear_diagonal(self.adjacency_below, self.S.S, self.S.one_minus_S, self.S.nodes)
