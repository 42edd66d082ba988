r"""DIFFPOOL-V2, the second implementation of DIFFPOOL (Appendix B), and its randomised twin N-DIFFPOOL-V2.

    (pool with three-layer GNNs) x L -> three convs;    the max over clusters after every stage, concatenated -> MLP

The pooling layer is that of `models.diffpool`; both of its GNNs are stacks of three convolutions with all outputs side by side.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rethinkpool_core.engine.affine import Linear, affine_of_parts
from rethinkpool_core.engine.graph import Graph
from rethinkpool_core.engine.pooled import pool
from rethinkpool_core.models.base import Losses, MoleculeInput, PoolingModel, Shape, output_network
from rethinkpool_core.models.diffpool import DiffPoolConfig, auxiliary_losses, cluster_numbers
from rethinkpool_core.models.trace import Trace
from rethinkpool_core.ops.assignments import GNNAssignment, RandomAssignment
from rethinkpool_core.ops.convolutions import GraphConv, SAGEConv
from rethinkpool_core.ops.norm import BatchNorm


class Stack(nn.Module):
    """Three convolutions, ReLU and batch norm after the first two: all three results side by side, (..., N, 2 dim + out_dim)."""

    def __init__(self, in_dim: int, dim: int, out_dim: int, config: DiffPoolConfig):
        super().__init__()
        dims = [(in_dim, dim), (dim, dim), (dim, out_dim)]
        self.convs = nn.ModuleList(SAGEConv(i, o, sage=config.sage, add_self_loops=False) for i, o in dims)
        self.norms = nn.ModuleList(BatchNorm(dim, config.norm_padding) for _ in range(2))

    def forward(self, graph: Graph) -> Graph:
        first = self.norms[0](self.convs[0](graph).relu())
        second = self.norms[1](self.convs[1](first).relu())
        third = self.convs[2](second)
        return graph.with_x(first.x, second.x, third.x)


class PoolingGNN(nn.Module):
    """The logits of S, (..., N, clusters): a linear map of the stack's three results."""

    def __init__(self, in_dim: int, dim: int, clusters: int, config: DiffPoolConfig):
        super().__init__()
        self.stack = Stack(in_dim, dim, clusters, config)
        self.linear = Linear(2 * dim + clusters, clusters)

    def forward(self, graph: Graph) -> Graph:
        return graph.with_x(affine_of_parts(self.stack(graph).parts, self.linear))


class DiffPoolV2(PoolingModel):
    def __init__(self, shape: Shape, config: DiffPoolConfig, seed: int):
        super().__init__(shape, config, seed)
        dim = config.hidden_dim
        self.molecules = MoleculeInput(dim) if shape.molecules else None
        in_dim = dim if shape.molecules else shape.in_dim
        self.sum_input = GraphConv(in_dim, in_dim, flow="target_to_source") if config.sum_input else None
        self.assign, self.embed = nn.ModuleList(), nn.ModuleList()
        for nodes, clusters in cluster_numbers(config, shape.max_nodes):
            if config.random_assignment:
                self.assign.append(RandomAssignment(config.random_assignment, nodes, clusters))
            else:
                self.assign.append(GNNAssignment(PoolingGNN(in_dim, dim, clusters, config)))
            self.embed.append(Stack(in_dim, dim, dim, config))
            in_dim = 3 * dim
        self.final = Stack(in_dim, dim, dim, config)
        readout_dim = in_dim * (config.num_pool_layers + 1)
        self.output = output_network(readout_dim, config.mlp_hidden_dim, shape.out_dim)

    def compute(self, graph: Graph, trace: Trace) -> tuple[Tensor, Losses]:
        graph = graph if self.molecules is None else self.molecules(graph)
        graph = graph if self.sum_input is None else self.sum_input(graph)
        pooled = []
        for level, (assign, embed) in enumerate(zip(self.assign, self.embed, strict=True), start=1):
            S = assign(graph)  # (N, K)
            Z = trace(f"embed {level}", embed(graph))  # (N, 3 D)
            graph = trace(f"pool {level}", pool(Z, S), S)  # X' = S^T Z, A' = S^T A S
            pooled.append(graph)
        final = trace("convs", self.final(graph))  # (B, K, 3 D)
        readout = torch.cat([stage.max(self.config.max_ties) for stage in (*pooled, final)], -1)
        return self.output(readout), auxiliary_losses(pooled)
