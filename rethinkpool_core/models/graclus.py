r"""GRACLUS and COMPLEMENT (Appendix A.2, Table S2), and NO-POOL, the same network without pooling.

    conv -> (conv, pool) x (L - 1) -> mean over nodes -> MLP          (each convolution followed by ReLU)

``initial_convolutions`` says how many convolutions come before the first pooling; the paper has these two.

Pooling matches nodes in pairs, along edges (GRACLUS) or along non-edges (COMPLEMENT), and takes the maximum of a pair's
features; the coarse graph inherits the edges of the original graph in both cases. Our L is Table S2's number of layers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from torch import Tensor, nn

from rethinkpool_core.engine.graph import Graph
from rethinkpool_core.graphs.coarsening import Coarsening
from rethinkpool_core.models.base import Losses, PoolingModel, Shape, first_conv, output_network
from rethinkpool_core.models.trace import Trace
from rethinkpool_core.ops.convolutions import GraphConv
from rethinkpool_core.ops.matching import pool_pairs
from rethinkpool_core.parameters.types import RECORDED_IF_CHANGED, OnlyIf, PositiveInt


@dataclass(frozen=True)
class GraclusConfig:
    """Parameters of GRACLUS, COMPLEMENT and NO-POOL.

    num_layers            L: one more than there are pooling layers; of NO-POOL, the number of convolutions
    hidden_dim            width of the node features
    matching              "graph", "complement" or "none"
    initial_convolutions  convolutions before the first pooling layer; every further pooling layer has one before it
    """

    num_layers: PositiveInt
    hidden_dim: PositiveInt
    matching: str
    initial_convolutions: Annotated[
        PositiveInt, OnlyIf("matching", "graph", "complement"), RECORDED_IF_CHANGED
    ] = 2


class Graclus(PoolingModel):
    has_max_nodes = False

    def __init__(self, shape: Shape, config: GraclusConfig, seed: int):
        super().__init__(shape, config, seed)
        dim = config.hidden_dim
        self.first = first_conv(shape, dim)
        further = config.initial_convolutions + config.num_layers - 3
        self.convs = nn.ModuleList(GraphConv(dim, dim) for _ in range(further))
        self.output = output_network(dim, dim, shape.out_dim)

    @property
    def levels(self) -> range:
        """Numbers of the convolutions that a pooling layer follows."""
        first = self.config.initial_convolutions
        return range(first, first + self.config.num_layers - 1)

    def coarsening(self, seed: Tensor | None = None) -> Coarsening | None:
        if self.config.matching == "none":
            return None
        return Coarsening(self.config.matching, self.levels, self.seed if seed is None else seed)

    def compute(self, graph: Graph, trace: Trace) -> tuple[Tensor, Losses]:
        for level, conv in enumerate([self.first, *self.convs], start=1):
            graph = trace(f"conv {level}", conv(graph).relu())  # (N, D)
            if level in self.levels and self.config.matching != "none":
                graph, S = pool_pairs(graph)  # (C, D)
                trace(f"pool {level}", graph, S)
        return self.output(graph.mean()), {}
