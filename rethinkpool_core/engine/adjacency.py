r"""Adjacency matrices of pooled graphs, (B, K, K): written as matrices, or kept as products of factors.

:math:`A' = S^\top A S` has at most the rank n of the graph below, while K follows the largest graph of the dataset: on DD, n is
284 on average and K up to 2874. So :math:`A' y = S^\top (A (S y))` is usually cheaper than any use of the K x K matrix, and its
memory grows with the nodes of the batch. `use_dense_adjacency` decides which of the two is smaller.
"""

from __future__ import annotations

from copy import copy

import torch
from torch import Tensor

from rethinkpool_core.engine.assignment import Assignment
from rethinkpool_core.engine.mode import is_as_written
from rethinkpool_core.engine.nodes import NodeLayout

MAX_DENSE_CLUSTERS = 128
"""Up to so many clusters A' is a matrix whatever the graphs are: it is small, and nothing cancels in it."""


def use_dense_adjacency(clusters: int, nodes: float) -> bool:
    """Return whether A' is written as a matrix, for graphs with ``nodes`` nodes on average."""
    return is_as_written() or clusters <= max(2 * nodes, MAX_DENSE_CLUSTERS)


class FactoredAdjacency:
    """A' = F^T A F - diag(removed) of each graph, (B, K, K), where F has one row per node below.

    matrix   A', or None where it stays a product
    factor   F
    below    A of the level below
    removed  (B, K, 1), or None if nothing is taken from the diagonal
    """

    matrix: Tensor | None
    factor: Assignment
    below: object
    removed: Tensor | None

    def __matmul__(self, x: Tensor) -> Tensor:
        """Return A' x, (B, K, D)."""
        if self.matrix is not None:
            return self.matrix @ x
        product = self.factor.pool(self.below @ self.factor.unpool(x))
        return product if self.removed is None else product - self.removed * x

    @property
    def T(self) -> FactoredAdjacency:
        """The transpose."""
        vars(self)["matrix"] = self.matrix
        if self.matrix is None:  # scaled and reduced as they are here, so they are computed before
            vars(self).update(factor=self.factor, removed=self.removed)
        other = copy(self)
        vars(other).update(below=self.below.T, matrix=None if self.matrix is None else self.matrix.mT)
        vars(other).pop("_degree", None)
        return other

    def to_matrix(self) -> Tensor:
        """Return (B, K, K), also where products do without it."""
        if self.matrix is not None:
            return self.matrix
        written = self.factor.pool(self.below @ self.factor.S)
        return written if self.removed is None else written - torch.diag_embed(self.removed.squeeze(-1))

    def degree(self) -> Tensor:
        """Return the row sums, (B, K)."""
        raise TypeError(f"{type(self).__name__} does not say its degrees")


def bilinear_diagonal(A, Y: Tensor, Z: Tensor, nodes: NodeLayout, product: Tensor | None = None) -> Tensor:
    """Return the diagonal of Y^T A Z of each graph, (B, C), for Y and Z (N, C) or (B, n, C); by the factors of A if it has them.

    product  Y * Z, where it is there already
    """
    if not isinstance(A, FactoredAdjacency) or A.matrix is not None:
        return nodes.sum(Y * (A @ Z))
    left = A.factor.unpool(Y)
    right = left if Z is Y else A.factor.unpool(Z)
    diagonal = bilinear_diagonal(A.below, left, right, A.factor.nodes)
    if A.removed is None:
        return diagonal
    product = Y * Z if product is None else product
    return diagonal - (A.removed.mT @ product).squeeze(-2)
