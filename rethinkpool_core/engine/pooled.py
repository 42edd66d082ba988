r"""One pooling layer: :math:`X' = S^\top X` and :math:`A' = S^\top A S`, neither computed before it is asked for."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from torch import Tensor

from rethinkpool_core.engine.assignment import Assignment
from rethinkpool_core.engine.graph import Graph, Level
from rethinkpool_core.engine.nodes import ClusterNodes
from rethinkpool_core.engine.normalised import NormalisedAdjacency
from rethinkpool_core.engine.pooled_adjacency import PooledAdjacency
from rethinkpool_core.engine.pooled_products import PooledProducts, Statistics


def pool(graph: Graph, S: Assignment) -> PooledGraph:
    """Return the pooled graph: X' = S^T X, (B, K, D), and A' = S^T A S."""
    products = PooledProducts(graph, S)
    below = graph.level
    level = Level(
        PooledAdjacency(products),
        ClusterNodes(below.nodes.num_graphs, S.num_clusters),
        below.mean_nodes,
        depth=below.depth + 1,
        fixed=products.fixed,
        auxiliary=below.auxiliary,
        terms=below.terms,
    )
    return PooledGraph(level, products)


def pool_features(graph: Graph, S: Assignment) -> Graph:
    """Return clusters with the features S^T X, (B, K, D), and no edges."""
    nodes = ClusterNodes(graph.nodes.num_graphs, S.num_clusters)
    level = replace(graph.level, A=None, nodes=nodes, depth=graph.level.depth + 1, batch=None)
    return Graph(level, [S.pool(graph.x)])


class PooledGraph(Graph):
    """The graph that `pool` returns."""

    def __init__(self, level: Level, products: PooledProducts):
        self.level, self.products = level, products

    @cached_property
    def parts(self) -> list[Tensor]:
        return [self.products.features]

    @property
    def S(self) -> Assignment:
        return self.products.S

    @property
    def below(self) -> Graph:
        """The graph that was pooled."""
        return self.products.below

    @property
    def statistics(self) -> Statistics:
        return self.products.readout or self.products

    def normalised(self) -> PooledGraph:
        """Return the graph with D^(-1/2) A' D^(-1/2) in the place of A', after its diagonal is set to zero (MinCut)."""
        return PooledGraph(replace(self.level, A=NormalisedAdjacency(self.products)), self.products)
