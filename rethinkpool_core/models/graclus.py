r"""GRACLUS and COMPLEMENT (Appendix A.2, Table S2), and NO-POOL, the same network without pooling.

    conv -> (conv, pool) x (L - 1) -> mean over nodes -> MLP

Pooling matches nodes in pairs, along edges (GRACLUS) or along non-edges (COMPLEMENT), and takes the maximum of a pair's
features; the coarse graph inherits the edges of the original graph in both cases. Our L is Table S2's number of layers.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rethinkpool_core.data.batch import Batch
from rethinkpool_core.models.base import Activation, FirstConv, PoolingModel, Shape, output_network
from rethinkpool_core.ops.coarsening import coarsen
from rethinkpool_core.ops.convolutions import GraphConv


@dataclass(frozen=True)
class GraclusConfig:
    """num_layers: convolutions, the first included. matching: "graph", "complement" or "none"."""

    num_layers: int
    hidden_dim: int
    matching: str


class Graclus(PoolingModel):
    bounded = False

    def __init__(self, shape: Shape, config: GraclusConfig, seed: int):
        super().__init__(shape, config, seed)
        dim = config.hidden_dim
        self.first = FirstConv(shape, dim)
        self.convs = nn.ModuleList(GraphConv(dim, dim) for _ in range(config.num_layers - 1))
        self.output = output_network(dim, dim, shape.out_dim)

    def compute(self, batch: Batch, layers: dict[str, Activation]) -> tuple[Tensor, dict[str, Tensor]]:
        x = F.relu(self.first(batch))  # (N, D)
        layers["conv 1"] = Activation(x, batch.pointer)
        for level, conv in enumerate(self.convs, start=2):
            x = F.relu(conv(x, batch.A.T))
            layers[f"conv {level}"] = Activation(x, batch.pointer)
            if self.config.matching != "none":
                members, batch = coarsen(batch, self.config.matching, self.seed, level)
                x = torch.maximum(x[members[..., 0]], x[members[..., 1]])  # (C, D)
                layers[f"pool {level}"] = Activation(x, batch.pointer)
        return self.output(batch.graph_mean(x)), {}
