"""Pooling by matchings (GRACLUS, COMPLEMENT)."""

from __future__ import annotations

from dataclasses import replace

from rethinkpool_core.engine.graph import Graph
from rethinkpool_core.engine.nodes import RaggedNodes
from rethinkpool_core.engine.pairs import pair_maximum


def pool_pairs(graph: Graph) -> Graph:
    """Return the coarse graph of the next matching: a pair becomes one node with the maximum of both features, (C, D).

    Two pairs are joined where any of their members were. The batch brings the matchings, see `graphs.coarsening`.
    """
    batch, level = graph.level.batch, graph.level.depth + 1
    coarse = batch.coarse(level)
    x = pair_maximum(graph.x, coarse.members, coarse.place)
    below = replace(graph.level, A=coarse.A, nodes=RaggedNodes(coarse), depth=level)
    return Graph(below, [x])
