r"""MINCUTPOOL and its randomised twin N-MINCUTPOOL (Appendix B).

    conv, ReLU -> pool -> conv, ReLU -> pool -> conv -> mean over clusters -> MLP

    S = softmax(X W + b)        learned; or softmax of a fixed random matrix, one row per position in the graph
    X' = S^T X,   A' = S^T A S without its diagonal, scaled by its degrees on both sides

Losses: -tr(S^T A S) / tr(S^T D S) and |S^T S / |S^T S| - I / sqrt(K)|, of a learned S. Our K is the number of clusters: half of
the nodes of the largest graph, and half of that after each further pooling layer, rounded up.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Annotated

from torch import Tensor, nn

from rethinkpool_core.engine.graph import Graph
from rethinkpool_core.engine.pooled import pool
from rethinkpool_core.models.base import Losses, PoolingModel, Shape, first_conv, output_network
from rethinkpool_core.models.trace import Trace
from rethinkpool_core.ops.assignments import Distribution, LearnedAssignment, RandomAssignment
from rethinkpool_core.ops.convolutions import GraphConv
from rethinkpool_core.ops.losses import cut_loss, orthogonality_loss
from rethinkpool_core.parameters.types import Bounds, PositiveInt


@dataclass(frozen=True)
class MinCutConfig:
    """Parameters of MINCUTPOOL.

    hidden_dim            width of the node features
    num_pool_layers       pooling layers
    random_assignment     "uniform", "normal", "bernoulli" or "categorical" noise, or "" where the assignment is learned
    cluster_ratio         clusters of a pooling layer over nodes before it
    initial_convolutions  convolutions before the first pooling layer; two close SMNIST's gap to the twin, says Appendix B
    """

    hidden_dim: PositiveInt
    random_assignment: Distribution
    num_pool_layers: PositiveInt = 2
    cluster_ratio: Annotated[float, Bounds(above=0, at_most=1)] = 0.5
    initial_convolutions: PositiveInt = 1


class MinCutPool(PoolingModel):
    def __init__(self, shape: Shape, config: MinCutConfig, seed: int):
        super().__init__(shape, config, seed)
        dim, nodes = config.hidden_dim, shape.max_nodes
        self.first = first_conv(shape, dim)
        self.further = nn.ModuleList(GraphConv(dim, dim) for _ in range(config.initial_convolutions - 1))
        self.convs = nn.ModuleList(
            GraphConv(dim, dim, flow="target_to_source") for _ in range(config.num_pool_layers)
        )
        self.assign = nn.ModuleList()
        for _ in range(config.num_pool_layers):
            clusters = ceil(config.cluster_ratio * nodes)
            if config.random_assignment:
                self.assign.append(RandomAssignment(config.random_assignment, nodes, clusters))
            else:
                self.assign.append(LearnedAssignment(dim, clusters))
            nodes = clusters
        self.output = output_network(dim, dim, shape.out_dim)

    def compute(self, graph: Graph, trace: Trace) -> tuple[Tensor, Losses]:
        graph = trace("conv 1", self.first(graph).relu())  # (N, D)
        for number, conv in enumerate(self.further, start=2):
            graph = trace(f"initial conv {number}", conv(graph).relu())
        learned = []
        for level, (assign, conv) in enumerate(zip(self.assign, self.convs, strict=True), start=1):
            S = assign(graph)  # (N, K)
            pooled = trace(f"pool {level}", pool(graph, S), S)  # X' = S^T X, A' = S^T A S
            learned += [pooled] if S.learned else []
            graph = conv(pooled.normalised())  # (B, K, D)
            if level < len(self.convs):
                graph = graph.relu()
            trace(f"conv {level + 1}", graph)
        logits = self.output(graph.mean())
        return logits, {
            "cut": map(cut_loss, learned),
            "orthogonality": map(orthogonality_loss, learned),
        }
