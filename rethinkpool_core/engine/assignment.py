r"""Assignment matrices S: one row per node, (N, K) at the input or (B, n, K) after pooling, each of sum 1.

S is computed when it is first asked for, since the engine may do without it (`engine.rules`).
"""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rethinkpool_core.engine.affine import Linear, affine
from rethinkpool_core.engine.nodes import NodeLayout
from rethinkpool_core.engine.products import pool, unpool
from rethinkpool_core.engine.softmax import softmax


class Assignment:
    """An assignment matrix S after softmax, and the products with it.

    nodes    layout of the nodes that it assigns
    learned  whether it has parameters, so that auxiliary losses have something to teach
    fixed    whether it depends on the seed and on the positions of nodes alone, so that its pooled graphs never change
    """

    learned, fixed = True, False

    def __init__(self, S: Tensor, nodes: NodeLayout, *, learned: bool = True):
        self.S, self.nodes, self.learned, self.num_clusters = S, nodes, learned, S.shape[-1]

    def pool(self, X: Tensor) -> Tensor:
        """Return S^T X of each graph, (B, K, D)."""
        return pool(self.nodes.buckets, self.S, X)[1]

    def unpool(self, Y: Tensor) -> Tensor:
        """Return S Y of each graph for Y (B, K, D): (N, D) or (B, n, D)."""
        return unpool(self.nodes.buckets, self.S, Y)

    def times_vectors(self, y: Tensor) -> Tensor:
        """Return S y of each graph for vectors y (B, K): (N, 1) or (B, n, 1).

        As a matrix product with one column this took six times as long.
        """
        return (self.S * self.nodes.broadcast_to_nodes(y)).sum(-1, keepdim=True)

    @cached_property
    def squared(self) -> Tensor:
        """S^2, entry by entry."""
        return self.S.square()

    @cached_property
    def squared_row_norms(self) -> Tensor:
        """Squared norm of each row, (N, 1) or (B, n, 1)."""
        return self.squared.sum(-1, keepdim=True)

    @cached_property
    def one_minus_S(self) -> Tensor:
        """1 - S to full precision, see `_OneMinus`."""
        return _OneMinus.apply(self.S)


class LinearAssignment(Assignment):
    """S = softmax(X W + b)."""

    def __init__(self, x: Tensor, linear: Linear, nodes: NodeLayout):
        self.x, self.linear, self.nodes, self.num_clusters = x, linear, nodes, linear.out_features

    @cached_property
    def S(self) -> Tensor:
        return softmax(affine(self.x, self.linear))


class LogAssignment(Assignment):
    """S given by its logarithm, whose rows are log-probabilities."""

    def __init__(self, log_S: Tensor, nodes: NodeLayout):
        self.log, self.nodes, self.num_clusters = log_S, nodes, log_S.shape[-1]

    @cached_property
    def S(self) -> Tensor:
        return self.log.exp()


class FixedAssignment(Assignment):
    """S = softmax of a fixed matrix of logits, (n, K) or stacked (R, n, K): a node takes the row of its position."""

    learned, fixed = False, True

    def __init__(self, logits: Tensor, nodes: NodeLayout):
        self.logits, self.nodes, self.num_clusters = logits, nodes, logits.shape[-1]

    @cached_property
    def rows(self) -> Tensor:
        """The rows that all graphs share, (n, K) or (R, n, K)."""
        return softmax(self.logits)

    @cached_property
    def S(self) -> Tensor:
        return self.nodes.rows_by_position(self.rows)

    @property
    def padded(self) -> Tensor:
        """S in the padded rows of the buckets, but for arbitrary finite values in empty slots."""
        return self.nodes.rows_by_position(self.rows, padded=True)


class _OneMinus(torch.autograd.Function):
    """1 - S to full precision: where S is nearly 1, it is the sum of the other entries of the row.

    The rows of S sum to 1 whatever moves, so the derivative is that of 1 - S.
    """

    @staticmethod
    def forward(ctx, S: Tensor) -> Tensor:
        largest = S.argmax(-1, keepdim=True)
        out = 1 - S
        return out.scatter_(-1, largest, S.scatter(-1, largest, 0.0).sum(-1, keepdim=True))

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> Tensor:
        return -gradient
