"""Where the nodes of the graphs of a batch stand: as ragged rows at the input, as equal blocks of clusters after pooling."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from rethinkpool_core.batching.batch import Batch
from rethinkpool_core.batching.buckets import Buckets, SingleBucket
from rethinkpool_core.engine.norm import RowWeights


class NodeLayout(Protocol):
    """How tensors with one row per node are laid out, and what is computed over the nodes of each graph.

    num_graphs  B, over all replicas
    pointer     (graphs + 1,) the first row of each graph in ragged rows; None for blocks
    """

    num_graphs: int
    pointer: Tensor | None

    @property
    def buckets(self) -> Buckets | SingleBucket:
        """Padded matrices, one per graph, of tensors in this layout."""

    def sum(self, x: Tensor) -> Tensor:
        """Return the sum of x over the nodes of each graph, (B, D)."""

    def mean(self, x: Tensor) -> Tensor:
        """Return the mean of x over the nodes of each graph, (B, D); zero for a graph without nodes."""

    def weighted_sum(self, x: Tensor, weights: Tensor) -> Tensor:
        """Return the sum of x over the nodes of each graph, (B, D), with one weight per node, (N, 1) or (B, n, 1)."""

    def count(self, x: Tensor) -> Tensor:
        """Return the number of nodes of each graph, (B,), in the dtype of x."""

    def broadcast_to_nodes(self, values: Tensor) -> Tensor:
        """Return values (B, D) with one row per node, or in a shape that broadcasts to it; padding takes zeros."""

    def rows_by_position(self, matrix: Tensor, padded: bool = False) -> Tensor:
        """Give each node the row of ``matrix`` at its position in its graph.

        matrix  (n, K), or stacked (R, n, K): each replica takes its own
        padded  return the padded rows of `buckets`, whose empty slots then hold arbitrary finite values
        """

    def row_weights(self, x: Tensor, count_padding: bool) -> RowWeights | None:
        """Return the weights of rows x in a batch norm: nodes count, and padding of a padded batch if asked for.

        None where all rows count alike.
        """


class RaggedNodes:
    """Nodes of input graphs: the rows (N, D) of a batch, one graph after the other, dummy graphs of padding included."""

    def __init__(self, batch: Batch):
        self.batch, self.num_graphs, self.pointer = batch, batch.num_graphs, batch.pointer
        self._row_weights: dict[bool, RowWeights] = {}

    @property
    def buckets(self) -> Buckets:
        return self.batch.buckets

    def sum(self, x: Tensor) -> Tensor:
        return self.batch.graph_sum(x)

    def mean(self, x: Tensor) -> Tensor:
        return self.batch.graph_mean(x)

    def weighted_sum(self, x: Tensor, weights: Tensor) -> Tensor:
        return self.sum(weights * x)

    def count(self, x: Tensor) -> Tensor:
        return self.batch.num_nodes.to(x.dtype)

    def broadcast_to_nodes(self, values: Tensor) -> Tensor:
        return self.batch.broadcast_to_nodes(values)

    def rows_by_position(self, matrix: Tensor, padded: bool = False) -> Tensor:
        matrix = matrix if matrix.dim() == 3 else matrix.unsqueeze(0)
        R, n, K = matrix.shape
        row = self.batch.position.clamp(max=n - 1).view(R, -1)
        row = (row + n * torch.arange(R, device=row.device).unsqueeze(1)).view(-1)
        row = row.index_select(0, self.buckets.row_of_slot) if padded else row
        return matrix.view(R * n, K).index_select(0, row)

    def row_weights(self, x: Tensor, count_padding: bool) -> RowWeights | None:
        if not (self.batch.padded or count_padding):
            return None
        if count_padding not in self._row_weights:  # every norm of a level asks for the same
            sizes = self.batch.num_nodes.view(self.batch.replicas, -1)
            positions = sizes.shape[1] * sizes.amax(1) if count_padding else None
            real = self.batch.real.to(x.dtype).view(len(sizes), -1)
            self._row_weights[count_padding] = RowWeights.among(real, positions)
        return self._row_weights[count_padding]


class ClusterNodes:
    """Nodes of pooled graphs: K clusters per graph, blocks (B, K, D)."""

    pointer = None

    def __init__(self, num_graphs: int, num_clusters: int):
        self.num_graphs, self.num_clusters = num_graphs, num_clusters
        self.buckets = SingleBucket()

    def sum(self, x: Tensor) -> Tensor:
        return x.sum(-2)

    def mean(self, x: Tensor) -> Tensor:
        return x.mean(-2)

    def weighted_sum(self, x: Tensor, weights: Tensor) -> Tensor:
        return (weights.mT @ x).squeeze(-2)

    def count(self, x: Tensor) -> Tensor:
        return torch.full((self.num_graphs,), self.num_clusters, dtype=x.dtype, device=x.device)

    def broadcast_to_nodes(self, values: Tensor) -> Tensor:
        return values.unsqueeze(-2)

    def rows_by_position(self, matrix: Tensor, padded: bool = False) -> Tensor:
        matrix = matrix if matrix.dim() == 3 else matrix.unsqueeze(0)
        R, n, K = matrix.shape
        return matrix.unsqueeze(1).expand(R, self.num_graphs // R, n, K).reshape(self.num_graphs, n, K)

    def row_weights(self, x: Tensor, count_padding: bool) -> None:
        return None
