r"""MINCUTPOOL and its randomised twin N-MINCUTPOOL (Appendix B).

    conv, ReLU -> pool -> conv, ReLU -> pool -> conv -> mean over clusters -> MLP

    S = softmax(X W_S + b_S)        learned, or the rows of a fixed random matrix in the place of the logits
    X' = S^T X,   A' = S^T A S without its diagonal, scaled by its degrees on both sides

Our K is the number of clusters, half of the nodes of the largest graph and then half of that, rounded up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from math import ceil

from torch import Tensor, nn

from rethinkpool_core.data.batch import Batch
from rethinkpool_core.models.base import Activation, FirstConv, PoolingModel, Shape, output_network
from rethinkpool_core.ops.affine import Linear
from rethinkpool_core.ops.assignments import random_assignment
from rethinkpool_core.ops.convolutions import GraphConv
from rethinkpool_core.ops.losses import cut_loss, orthogonality_loss
from rethinkpool_core.ops.pooling import Coarse, Normalised, written_down
from rethinkpool_core.ops.readout import LearnedReadout, Readout
from rethinkpool_core.ops.rows import Assignment, Rows
from rethinkpool_core.ops.softmax import softmax


@dataclass(frozen=True)
class MinCutConfig:
    """random_assignment: a distribution of `ops.assignments`, or "" where the assignment is learned.

    cluster_ratio: clusters of a pooling layer over nodes before it.
    initial_convolutions: before the first pooling layer; with two, says Appendix B, SMNIST's gap to the randomised twin closes.
    """

    hidden_dim: int
    random_assignment: str
    num_pool_layers: int = 2
    cluster_ratio: float = 0.5
    initial_convolutions: int = 1


class MinCutPool(PoolingModel):
    def __init__(self, shape: Shape, config: MinCutConfig, seed: int):
        super().__init__(shape, config, seed)
        dim = config.hidden_dim
        self.first = FirstConv(shape, dim)
        self.further = nn.ModuleList(GraphConv(dim, dim) for _ in range(config.initial_convolutions - 1))
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
                self.assign.append(Linear(dim, clusters))
            nodes = clusters
        self.output = output_network(dim, dim, shape.out_dim)

    def assignment(self, level: int, x: Tensor, rows: Rows) -> Assignment:
        """S, one row a node: (N, K) before the first pooling layer, (B, K, K') after it."""
        return Assignment(softmax(self.assign[level](x)), rows)

    def random(self, level: int, rows: Rows, num_graphs: int) -> Assignment:
        return Assignment(rows.place(self.get_buffer(f"random_{level}").softmax(-1), num_graphs), rows)

    def known(self, batch: Batch) -> dict[str, Tensor]:
        A, rows, known = batch.A, Rows(batch), {}
        if self.config.random_assignment:
            for level in range(len(self.convs)):
                S = self.random(level, rows, batch.num_graphs)
                A, rows = Normalised(Coarse(A, S, self.shape.mean_nodes, losses=False)), Rows()
                last = 0 < level == len(self.convs) - 1
                terms = Readout.known(S, A) if last else A.known()
                known |= {f"{level}/{name}": value for name, value in terms.items()}
        return known

    def compute(
        self, batch: Batch, layers: dict[str, Activation], auxiliary: bool
    ) -> tuple[Tensor, dict[str, Tensor]]:
        learned = not self.config.random_assignment
        auxiliary = auxiliary and learned
        losses = {"cut": 0.0, "orthogonality": 0.0} if auxiliary else {}
        A, rows = batch.A, Rows(batch)
        x = self.first(batch, relu=True)  # (N, D)
        layers["conv 1"] = Activation(x, batch.pointer)
        for number, conv in enumerate(self.further, start=2):
            x = conv(x, batch.A.T, relu=True)
            layers[f"initial conv {number}"] = Activation(x, batch.pointer)

        def add(coarse: Coarse | LearnedReadout) -> None:
            if auxiliary:
                losses["cut"] = losses["cut"] + cut_loss(coarse)
                losses["orthogonality"] = losses["orthogonality"] + orthogonality_loss(coarse)

        for level, conv in enumerate(self.convs):
            known, last = batch.known(level), level == len(self.convs) - 1
            if "weights" in known:
                A = Readout(known["weights"])
                break
            if last and self.by_parts(level, A):
                readout = LearnedReadout(x, self.assign[level], A)
                add(readout)
                layers |= self.later(level, x, A)
                return self.output(conv.mean(x, readout)), losses
            S = self.assignment(level, x, rows) if learned else self.random(level, rows, batch.num_graphs)
            coarse = Coarse(A, S, self.shape.mean_nodes, [x], losses=auxiliary, known={} if known else None)
            add(coarse)
            x, A, rows = coarse.X, Normalised(coarse, known), Rows()  # (B, K, D)
            layers[f"pool {level + 1}"] = Activation(x)
            if not last:
                x = conv(x, A, relu=True)
                layers[f"conv {level + 2}"] = Activation(x)
        layers[f"conv {len(self.convs) + 1}"] = Activation(partial(conv, x, A))
        return self.output(conv.mean(x, A)), losses

    def by_parts(self, level: int, A) -> bool:
        """Whether S of a last level, learned, is too large to be made at once, see `LearnedReadout`."""
        factors = isinstance(A, Normalised) and A.matrix is None and not self.config.random_assignment
        return factors and not written_down(self.assign[level].out_features, self.shape.mean_nodes)

    def later(self, level: int, x: Tensor, A: Normalised) -> dict[str, Activation]:
        """The last layers, made at once if anyone asks."""

        @cache
        def pooled() -> tuple[Tensor, Normalised]:
            S = self.assignment(level, x, Rows())
            coarse = Coarse(A, S, self.shape.mean_nodes, [x], losses=False)
            return coarse.X, Normalised(coarse)

        return {
            f"pool {level + 1}": Activation(lambda: pooled()[0]),
            f"conv {level + 2}": Activation(lambda: self.convs[level](*pooled())),
        }
