"""The nodes at one level, and the matrix that hands them to the clusters of the next."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rethinkpool_core.batching.buckets import Buckets, Uniform
from rethinkpool_core.engine.norm import RowWeights
from rethinkpool_core.engine.products import pool, unpool

if TYPE_CHECKING:
    from rethinkpool_core.batching.batch import Batch


class Rows:
    """The nodes at one level: the ragged rows of ``batch``, or (B, n, ...) blocks when it is None."""

    def __init__(self, batch: Batch | None = None):
        self.batch = batch
        self._counted: dict[bool, RowWeights] = {}

    def sum(self, x: Tensor) -> Tensor:
        """Over the nodes of each graph: (B, D)."""
        return x.sum(-2) if self.batch is None else self.batch.graph_sum(x)

    def weighted_sum(self, x: Tensor, weights: Tensor) -> Tensor:
        """Over the nodes of each graph, (B, D), with weights (N, 1) or (B, n, 1)."""
        if self.batch is None:
            return (weights.mT @ x).squeeze(-2)
        return self.sum(weights * x)

    def count(self, x: Tensor) -> Tensor:
        """Number of nodes of each graph, (B,), in x's dtype."""
        if self.batch is None:
            return torch.full(x.shape[:1], x.shape[-2], dtype=x.dtype, device=x.device)
        return self.batch.num_nodes.to(x.dtype)

    def mean(self, x: Tensor) -> Tensor:
        """Over the nodes of each graph: (B, D); zero for a graph without nodes."""
        return self.sum(x) / self.count(x).clamp(min=1).unsqueeze(-1)

    def broadcast_to_nodes(self, values: Tensor) -> Tensor:
        """One row a graph, (B, D), to its nodes; padding takes zeros."""
        if self.batch is None:
            return values.unsqueeze(-2)
        return self.batch.broadcast_to_nodes(values)

    def place(self, matrix: Tensor, num_graphs: int, in_slots: bool = False) -> Tensor:
        """A matrix with one row for each place in a graph, (n, K), handed to the nodes: (N, K) or (B, n, K).

        Of stacked matrices (R, n, K) each replica's graphs take their own. ``in_slots`` gives ragged rows as `layout` spreads
        them, but for anything in empty slots.
        """
        matrix = matrix if matrix.dim() == 3 else matrix.unsqueeze(0)
        R, n, K = matrix.shape
        if self.batch is None:
            return matrix.unsqueeze(1).expand(R, num_graphs // R, n, K).reshape(num_graphs, n, K)
        place = self.batch.position.clamp(max=n - 1).view(R, -1)
        place = (place + n * torch.arange(R, device=place.device).unsqueeze(1)).view(-1)
        place = place.index_select(0, self.layout.row) if in_slots else place
        return matrix.view(R * n, K).index_select(0, place)

    @property
    def layout(self) -> Buckets | Uniform:
        """Where the matrix of each graph is found in x."""
        return Uniform() if self.batch is None else self.batch.buckets

    def counted(self, x: Tensor, with_padding: bool) -> RowWeights | None:
        """For `BatchNorm` of rows x at this level: nodes count, and the padding of a padded batch too if asked for.

        None where all rows count. All norms of a level ask for it, so it is kept.
        """
        if self.batch is None or not (self.batch.padded or with_padding):
            return None
        if with_padding not in self._counted:
            sizes = self.batch.num_nodes.view(self.batch.replicas, -1)
            positions = sizes.shape[1] * sizes.amax(1) if with_padding else None
            real = self.batch.real.to(x.dtype).view(len(sizes), -1)
            self._counted[with_padding] = RowWeights.among(real, positions)
        return self._counted[with_padding]


class Assignment:
    """S after softmax, one row a node that sums to 1: (N, K) or (B, n, K)."""

    def __init__(self, S: Tensor, rows: Rows):
        self.S, self.rows = S, rows

    def pool(self, X: Tensor) -> Tensor:
        """S^T X, (B, K, D)."""
        return pool(self.rows.layout, self.S, X)[1]

    def unpool(self, Y: Tensor) -> Tensor:
        """S Y for Y (B, K, D): (N, D) or (B, n, D)."""
        return unpool(self.rows.layout, self.S, Y)

    @cached_property
    def squared(self) -> Tensor:
        """S^2, entry by entry."""
        return self.S.square()

    @cached_property
    def squares(self) -> Tensor:
        """Squared norm of each row, (N, 1) or (B, n, 1)."""
        return self.squared.sum(-1, keepdim=True)

    @cached_property
    def others(self) -> Tensor:
        """1 - S, see `_Others`."""
        return _Others.apply(self.S)


class _Others(torch.autograd.Function):
    """1 - S, to full precision also where S is nearly 1: there it is the sum of the row's other entries.

    The rows of S sum to 1, whatever moves, so the derivative is that of 1 - S.
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
