r"""MINCUTPOOL and its randomised twin N-MINCUTPOOL (Appendix B).

    conv, ReLU -> pool -> conv, ReLU -> pool -> conv -> mean over clusters -> MLP      (the last three as one, see `ops.readout`)

    S = softmax(X W_S + b_S)        learned, or the rows of a fixed random matrix in the place of the logits
    X' = S^T X,   A' = S^T A S without its diagonal, scaled by its degrees on both sides

Our K is the number of clusters, half of the nodes of the largest graph and then half of that, rounded up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from math import ceil

from torch import Tensor, nn

from rethinkpool_core.batching.batch import OF_NODES, Batch
from rethinkpool_core.engine.affine import Linear
from rethinkpool_core.engine.pooling import Coarse, Normalised, written_down
from rethinkpool_core.engine.readout import PartedReadout, Readout, readout_weights, shared_weights
from rethinkpool_core.engine.rows import Assignment, Rows
from rethinkpool_core.engine.softmax import softmax
from rethinkpool_core.models.base import Activation, FirstConv, PoolingModel, Shape, output_network
from rethinkpool_core.ops.assignments import random_assignment
from rethinkpool_core.ops.convolutions import GraphConv
from rethinkpool_core.ops.losses import cut_loss, orthogonality_loss


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


def _of_rows(level: int, name: str) -> str:
    """What is known with one entry a row: a node of the graph before the first pooling layer, a cluster of it after that."""
    return f"{OF_NODES}{level}/{name}" if level == 0 else f"{level}/{name}"


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
        self.clusters = nodes  # the last ones
        self.output = output_network(dim, dim, shape.out_dim)

    def assignment(self, level: int, x: Tensor, rows: Rows) -> Assignment:
        """S, one row a node: (N, K) before the first pooling layer, (B, K, K') after it."""
        if self.config.random_assignment:
            return self.random(level, rows, len(x))
        return Assignment(softmax(self.assign[level](x)), rows)

    def random(self, level: int, rows: Rows, num_graphs: int) -> Assignment:
        """``num_graphs`` matters after the first pooling layer."""
        return Assignment(rows.place(self.shared(level), num_graphs), rows)

    def shared(self, level: int) -> Tensor:
        """A fixed S, of which graphs take as many rows as they have nodes: (n, K) or, of several seeds, (R, n, K)."""
        return self.get_buffer(f"random_{level}").softmax(-1)

    def coarse_graphs(self, batch: Batch) -> list[Normalised]:
        """Of all pooling layers but the last, where assignments are fixed."""
        A, rows, found = batch.A, Rows(batch), []
        for level in range(len(self.convs) - 1):
            S = self.random(level, rows, batch.num_graphs)
            A, rows = Normalised(Coarse(A, S, self.shape.mean_nodes, losses=False)), Rows()
            found.append(A)
        return found

    def known(self, batch: Batch) -> dict[str, Tensor]:
        if not self.config.random_assignment:
            return {}
        known, graphs, last = {}, self.coarse_graphs(batch), len(self.convs) - 1
        for level, A in enumerate(graphs):
            if A.matrix is None:
                known |= {f"{level}/{name}": value for name, value in A.known().items()}
            else:
                known[_of_rows(level, "reached")] = A.coarse.S.unpool(A.matrix.mT)
        A, rows = (graphs[-1], Rows()) if graphs else (batch.A, Rows(batch))
        if self.large(A):
            weights = shared_weights(self.shared(last), A)
        else:
            S = self.random(last, rows, batch.num_graphs)
            weights = readout_weights(S, Normalised(Coarse(A, S, self.shape.mean_nodes, losses=False)))
        return known | {_of_rows(last, "weights"): weights}

    def compute(
        self, batch: Batch, layers: dict[str, Activation], auxiliary: bool
    ) -> tuple[Tensor, dict[str, Tensor]]:
        auxiliary = auxiliary and not self.config.random_assignment
        pooled: list[Coarse | PartedReadout] = []
        A, rows = batch.A, Rows(batch)
        x = self.first(batch, relu=True)  # (N, D)
        layers["conv 1"] = Activation(x, batch.pointer)
        for number, conv in enumerate(self.further, start=2):
            x = conv(x, batch.A.T, relu=True)
            layers[f"initial conv {number}"] = Activation(x, batch.pointer)
        last = len(self.convs) - 1
        for level, conv in enumerate(self.convs[:last]):
            known = batch.known(level)
            if "reached" in known:
                layers[f"pool {level + 1}"] = Activation(partial(self.features, level, x, rows))
                S = rows.place(self.shared(level), len(x), in_slots=True)
                x, A = conv.of_pooled(x, rows.layout, S, known["reached"]), None  # (B, K, D)
            else:
                S = self.assignment(level, x, rows)
                pooled.append(self.pool(A, S, [x], auxiliary, known))
                x, A = pooled[-1].X, Normalised(pooled[-1], known)
                layers[f"pool {level + 1}"] = Activation(x)
                x = conv(x, A, relu=True)
            rows = Rows()
            layers[f"conv {level + 2}"] = Activation(x)
        layers |= self.later(x, A, rows, batch)
        known = batch.known(last)
        if "weights" in known:
            weights = known["weights"]
            weights = rows.layout.unpad(weights) if last == 0 else weights  # from slots to rows
            readout = Readout(weights, rows, self.clusters)
        elif self.large(A) and not self.config.random_assignment:
            readout = PartedReadout(x, self.assign[last], A)
            pooled.append(readout)
        else:
            S = self.assignment(last, x, rows)
            pooled.append(self.pool(A, S, [], auxiliary, known))
            readout = Readout(readout_weights(S, Normalised(pooled[-1], known)), rows, self.clusters)
        losses = {}
        if auxiliary:
            losses = {
                "cut": sum(map(cut_loss, pooled)),
                "orthogonality": sum(map(orthogonality_loss, pooled)),
            }
        return self.output(self.convs[last].mean(x, readout)), losses

    def pool(
        self, A, S: Assignment, X: list[Tensor], auxiliary: bool, known: dict[str, Tensor] | None = None
    ) -> Coarse:
        return Coarse(A, S, self.shape.mean_nodes, X, losses=auxiliary, known={} if known else None)

    def large(self, A) -> bool:
        """Whether the last S is too large to be there for all graphs at once, see `ops.readout`."""
        factors = isinstance(A, Normalised) and A.matrix is None
        return factors and not written_down(self.clusters, self.shape.mean_nodes)

    def features(self, level: int, x: Tensor, rows: Rows) -> Tensor:
        """X' of a pooling layer, (B, K, D), where a step does without it."""
        return self.assignment(level, x, rows).pool(x)

    def later(self, x: Tensor, A, rows: Rows, batch: Batch) -> dict[str, Activation]:
        """The last pooling layer and what follows it, of which only means are needed, if anyone asks.

        A is None where what was known of the layers before made do without it.
        """
        number = len(self.convs)

        @cache
        def pooled() -> Coarse:
            graph = self.coarse_graphs(batch)[-1] if A is None else A
            return self.pool(graph, self.assignment(number - 1, x, rows), [x], auxiliary=False)

        return {
            f"pool {number}": Activation(lambda: pooled().X),
            f"conv {number + 1}": Activation(lambda: self.convs[-1](pooled().X, Normalised(pooled()))),
        }
