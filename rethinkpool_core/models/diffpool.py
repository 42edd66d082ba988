r"""DIFFPOOL as in the body of the paper, with its randomised variants (Appendix A.2, Table S3).

One pooling layer, with Z an embedding of the nodes:

    S = softmax(GNN_pool(A, X))     learned; or softmax of fixed random logits, one row per position in the graph;
                                    or, invariant (Theorem 1), of X S~ with a fixed random S~, without gradient through X
    Z = GNN_embed(A, X)
    X' = S^T Z,   A' = S^T A S

The network:  conv -> (pool, three convs with residual sums) x L -> max over clusters -> MLP

Losses: |A - S S^T| / n^2 and the entropy of the rows of S, of a learned S. Our L is Table S3's number of pooling layers. Clusters
are a tenth of the largest graph's nodes with one pooling layer, with more a quarter at each, rounded up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Annotated, Literal

from torch import Tensor, nn

from rethinkpool_core.engine.graph import Graph
from rethinkpool_core.engine.pooled import PooledGraph, pool
from rethinkpool_core.models.base import Losses, MoleculeInput, PoolingModel, Shape, output_network
from rethinkpool_core.models.trace import Trace
from rethinkpool_core.ops.assignments import (
    Distribution,
    GNNAssignment,
    InvariantAssignment,
    RandomAssignment,
)
from rethinkpool_core.ops.convolutions import GraphConv, SAGEConv
from rethinkpool_core.ops.losses import entropy_loss, link_loss
from rethinkpool_core.ops.norm import BatchNorm
from rethinkpool_core.parameters.types import RECORDED_IF_CHANGED, Bounds, PositiveInt


@dataclass(frozen=True)
class DiffPoolConfig:
    """Parameters of both versions of DIFFPOOL.

    num_pool_layers    pooling layers
    hidden_dim         width of the node features
    mlp_hidden_dim     width of the hidden layer of the output network
    random_assignment  "uniform", "normal", "bernoulli" or "categorical" noise, or "" where the assignment is learned
    invariant          logits X S~ (Theorem 1) in place of one random row per position
    sage               "2020", the operator behind the published numbers, or "pyg2", today's
    sum_input          one GraphConv on the input features, as on IMDB-B, whose features are constant; DIFFPOOL has it in place
                       of the first convolution, DIFFPOOL-V2 before the first pooling layer
    cluster_ratio      clusters of a pooling layer over nodes before it; 0 takes 0.1 with one pooling layer and 0.25 with more
    norm_padding       statistics of DIFFPOOL-V2's batch norms over the padded batch, as in the release, not over nodes
    max_ties           where clusters tie for the maximum of the readout: "shared", the gradient is shared among them, or
                       "first", the first takes it, as in the release
    """

    num_pool_layers: PositiveInt
    hidden_dim: PositiveInt
    mlp_hidden_dim: PositiveInt
    random_assignment: Distribution
    sum_input: bool
    invariant: bool = False
    sage: Literal["2020", "pyg2"] = "2020"
    cluster_ratio: Annotated[float, Bounds(at_least=0, at_most=1)] = 0.0
    norm_padding: bool = False
    max_ties: Annotated[Literal["shared", "first"], RECORDED_IF_CHANGED] = "shared"


def cluster_numbers(config: DiffPoolConfig, max_nodes: int) -> Iterator[tuple[int, int]]:
    """Yield (nodes before, clusters after) of each pooling layer."""
    ratio = config.cluster_ratio or (0.1 if config.num_pool_layers == 1 else 0.25)
    for _ in range(config.num_pool_layers):
        clusters = ceil(ratio * max_nodes)
        yield max_nodes, clusters
        max_nodes = clusters


def auxiliary_losses(pooled: list[PooledGraph]) -> Losses:
    """Return the terms of both losses; a random assignment has nothing to learn."""
    learned = [graph for graph in pooled if graph.S.learned]
    return {"link": map(link_loss, learned), "entropy": (entropy_loss(graph.S) for graph in learned)}


class ResidualStack(nn.Module):
    """Three convolutions, ReLU and batch norm after the first two, whose input is added to their result."""

    def __init__(self, dim: int, config: DiffPoolConfig):
        super().__init__()
        self.convs = nn.ModuleList(SAGEConv(dim, dim, sage=config.sage, normalize=True) for _ in range(3))
        self.norms = nn.ModuleList(BatchNorm(dim) for _ in range(2))

    def forward(self, graph: Graph) -> Graph:
        for conv, norm in zip(self.convs, self.norms, strict=False):
            graph = graph.with_x(graph.x + norm(conv(graph).relu()).x)
        return self.convs[2](graph)


class DiffPool(PoolingModel):
    def __init__(self, shape: Shape, config: DiffPoolConfig, seed: int):
        super().__init__(shape, config, seed)
        dim = config.hidden_dim
        self.molecules = MoleculeInput(dim) if shape.molecules else None
        in_dim = dim if shape.molecules else shape.in_dim
        if config.sum_input:
            self.first = GraphConv(in_dim, dim, flow="target_to_source")
        else:
            self.first = SAGEConv(in_dim, dim, sage=config.sage, normalize=True)
        self.assign, self.embed, self.convs = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for nodes, clusters in cluster_numbers(config, shape.max_nodes):
            if config.invariant:
                self.assign.append(InvariantAssignment(config.random_assignment, dim, clusters))
            elif config.random_assignment:
                self.assign.append(RandomAssignment(config.random_assignment, nodes, clusters))
            else:
                self.assign.append(GNNAssignment(SAGEConv(dim, clusters, sage=config.sage, normalize=True)))
            self.embed.append(SAGEConv(dim, dim, sage=config.sage, normalize=True))
            self.convs.append(ResidualStack(dim, config))
        self.output = output_network(dim, config.mlp_hidden_dim, shape.out_dim)

    def compute(self, graph: Graph, trace: Trace) -> tuple[Tensor, Losses]:
        graph = graph if self.molecules is None else self.molecules(graph)
        graph = trace("conv 1", self.first(graph))  # (N, D)
        pooled = []
        for level, (assign, embed, convs) in enumerate(
            zip(self.assign, self.embed, self.convs, strict=True), start=1
        ):
            S = assign(graph)  # (N, K)
            Z = trace(f"embed {level}", embed(graph))
            graph = trace(f"pool {level}", pool(Z, S), S)  # X' = S^T Z, A' = S^T A S
            pooled.append(graph)
            graph = trace(f"convs {level + 1}", convs(graph))  # (B, K, D)
        return self.output(graph.max(self.config.max_ties)), auxiliary_losses(pooled)
