r"""GRACLUS and COMPLEMENT (Appendix A.2, Table S2), and NO-POOL, the same network without pooling.

    conv -> (conv, pool) x (L - 1) -> mean over nodes -> MLP

Pooling matches nodes in pairs, along edges (GRACLUS) or along non-edges (COMPLEMENT), and takes the maximum of a pair's
features; the coarse graph inherits the edges of the original graph in both cases. Our L is Table S2's number of layers.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from rethinkpool_core.batching.batch import Batch
from rethinkpool_core.engine.pairs import pair_maximum
from rethinkpool_core.graphs.coarsening import Coarsening
from rethinkpool_core.models.base import Activation, FirstConv, PoolingModel, Shape, output_network
from rethinkpool_core.ops.convolutions import GraphConv


@dataclass(frozen=True)
class GraclusConfig:
    """num_layers: convolutions, the first included. matching: "graph", "complement" or "none"."""

    num_layers: int
    hidden_dim: int
    matching: str


class Graclus(PoolingModel):
    has_max_nodes = False

    def __init__(self, shape: Shape, config: GraclusConfig, seed: int):
        super().__init__(shape, config, seed)
        dim = config.hidden_dim
        self.first = FirstConv(shape, dim)
        self.convs = nn.ModuleList(GraphConv(dim, dim) for _ in range(config.num_layers - 1))
        self.output = output_network(dim, dim, shape.out_dim)

    def coarsening(self, seed: Tensor | None = None) -> Coarsening | None:
        if self.config.matching == "none":
            return None
        return Coarsening(
            self.config.matching, range(2, self.config.num_layers + 1), self.seed if seed is None else seed
        )

    def compute(
        self, batch: Batch, layers: dict[str, Activation], auxiliary: bool
    ) -> tuple[Tensor, dict[str, Tensor]]:
        if self.config.matching != "none":
            batch = batch.coarsened(self.coarsening())
        graphs = batch
        x = self.first(batch, relu=True)  # (N, D)
        layers["conv 1"] = Activation(x, batch.pointer)
        for level, conv in enumerate(self.convs, start=1):
            x = conv(x, graphs.A.T, relu=True)
            layers[f"conv {level + 1}"] = Activation(x, graphs.pointer)
            if self.config.matching != "none":
                graphs = batch.coarse(level)
                x = pair_maximum(x, graphs.members, graphs.place)  # (C, D)
                layers[f"pool {level + 1}"] = Activation(x, graphs.pointer)
        return self.output(graphs.graph_mean(x)), {}
