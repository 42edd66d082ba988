"""Pooling by matchings (GRACLUS, COMPLEMENT)."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import torch
from torch import Tensor

from rethinkpool_core.batching.batch import Batch
from rethinkpool_core.engine.assignment import Assignment
from rethinkpool_core.engine.graph import Graph
from rethinkpool_core.engine.nodes import NodeLayout, RaggedNodes
from rethinkpool_core.engine.pairs import pair_maximum


class MatchingAssignment(Assignment):
    """The assignment of nodes to the pairs of a matching, rows with a single 1; written only where it is asked for.

    coarse  the batch whose nodes are the pairs
    nodes   layout of the nodes that were matched
    """

    learned = False

    def __init__(self, coarse: Batch, nodes: NodeLayout):
        self.coarse, self.nodes = coarse, nodes

    @cached_property
    def num_clusters(self) -> int:
        return int(self.coarse.num_nodes.max())

    @cached_property
    def S(self) -> Tensor:
        """(N, K), K the most pairs of a graph; rows of padding are zero."""
        pairs = self.coarse.num_rows
        matched = (self.coarse.inverse_members < 2 * pairs).unsqueeze(-1)
        number = self.coarse.position.index_select(0, self.coarse.inverse_members % pairs)
        columns = torch.arange(self.num_clusters, device=number.device)
        return ((number.unsqueeze(-1) == columns) & matched).double()


def pool_pairs(graph: Graph) -> tuple[Graph, MatchingAssignment]:
    """Return the coarse graph of the next matching, and the assignment of nodes to its pairs.

    A pair becomes one node with the maximum of both features, (C, D); two pairs are joined where any of their members were. The
    batch brings the matchings, see `graphs.coarsening`.
    """
    batch, level = graph.level.batch, graph.level.depth + 1
    coarse = batch.coarse(level)
    x = pair_maximum(graph.x, coarse.members, coarse.inverse_members)
    pooled = replace(graph.level, A=coarse.A, nodes=RaggedNodes(coarse), depth=level)
    return Graph(pooled, [x]), MatchingAssignment(coarse, graph.nodes)
