"""Batch normalisation as a layer of graphs."""

from __future__ import annotations

from rethinkpool_core.engine.graph import Graph
from rethinkpool_core.engine.norm import ReplicaBatchNorm


class BatchNorm(ReplicaBatchNorm):
    """Batch normalisation over the nodes of a batch, separately for each replica.

    count_padding  take the statistics over the padded batch, whose missing rows are zeros, as the release did on input graphs
    """

    def __init__(self, dim: int, count_padding: bool = False):
        super().__init__(dim)
        self.count_padding = count_padding

    def forward(self, graph: Graph) -> Graph:
        weights = graph.nodes.row_weights(graph.x, self.count_padding)
        return graph.with_x(super().forward(graph.x, weights))
