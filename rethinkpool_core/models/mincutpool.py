r"""MINCUTPOOL and its randomised twin N-MINCUTPOOL (Appendix B).

    conv, ReLU -> pool -> conv, ReLU -> pool -> conv -> mean over clusters -> MLP

    S = softmax(X W_S + b_S)        learned, or the rows of a fixed random matrix in the place of the logits
    X' = S^T X,   A' = S^T A S without its diagonal, scaled by its degrees on both sides

Our K is the number of clusters, half of the nodes of the largest graph and then half of that, rounded up.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from torch import Tensor, nn
from torch.nn import functional as F

from rethinkpool_core.data.batch import Batch
from rethinkpool_core.models.base import Activation, FirstConv, PoolingModel, Shape, output_network
from rethinkpool_core.ops.assignments import random_assignment
from rethinkpool_core.ops.convolutions import GraphConv
from rethinkpool_core.ops.losses import cut_loss, orthogonality_loss
from rethinkpool_core.ops.pooling import Assignment, Coarse, Normalised, Rows


@dataclass(frozen=True)
class MinCutConfig:
    """random_assignment: a distribution of `ops.assignments`, or "" where the assignment is learned.

    cluster_ratio: clusters of a pooling layer over nodes before it.
    """

    hidden_dim: int
    random_assignment: str
    num_pool_layers: int = 2
    cluster_ratio: float = 0.5


class MinCutPool(PoolingModel):
    def __init__(self, shape: Shape, config: MinCutConfig, seed: int):
        super().__init__(shape, config, seed)
        dim = config.hidden_dim
        self.first = FirstConv(shape, dim)
        self.convs = nn.ModuleList(GraphConv(dim, dim) for _ in range(config.num_pool_layers))
        self.assign = nn.ModuleList()
        nodes = shape.max_nodes
        for level in range(config.num_pool_layers):
            clusters = ceil(config.cluster_ratio * nodes)
            if config.random_assignment:
                self.register_buffer(
                    f"random_{level}", random_assignment(config.random_assignment, nodes, clusters)
                )
            else:
                self.assign.append(nn.Linear(dim, clusters))
            nodes = clusters
        self.output = output_network(dim, dim, shape.out_dim)

    def assignment(self, level: int, x: Tensor, rows: Rows) -> Assignment:
        """S, one row a node: (N, K) before the first pooling layer, (B, K, K') after it."""
        if self.config.random_assignment:
            return Assignment(rows.place(self.get_buffer(f"random_{level}").softmax(-1), x), rows)
        return Assignment(self.assign[level](x).softmax(-1), rows)

    def compute(self, batch: Batch, layers: dict[str, Activation]) -> tuple[Tensor, dict[str, Tensor]]:
        learned = not self.config.random_assignment
        losses = {"cut": 0.0, "orthogonality": 0.0} if learned else {}
        A, rows = batch.A, Rows(batch)
        x = F.relu(self.first(batch))  # (N, D)
        layers["conv 1"] = Activation(x, batch.pointer)
        for level, conv in enumerate(self.convs):
            S = self.assignment(level, x, rows)
            coarse = Coarse(A, S, batch.nodes_per_graph)
            if learned:
                losses["cut"] = losses["cut"] + cut_loss(coarse)
                losses["orthogonality"] = losses["orthogonality"] + orthogonality_loss(S)
            x = S.pool(x)  # (B, K, D)
            A, rows = Normalised(coarse), Rows()
            layers[f"pool {level + 1}"] = Activation(x)
            x = conv(x, A)
            if level < len(self.convs) - 1:
                x = F.relu(x)
            layers[f"conv {level + 2}"] = Activation(x)
        return self.output(x.mean(1)), losses
