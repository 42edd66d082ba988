r"""DIFFPOOL in both of the paper's versions, with its randomised variants (Appendix A.2, Table S3; Appendix B for V2).

One pooling layer, with Z an embedding of the nodes:

    S = softmax(GNN_pool(A, X))     learned; or softmax of fixed random logits, one row a place in the graph;
                                    or, invariant (Theorem 1), of X S~ with a fixed random S~, without gradient through X
    X' = S^T Z,   A' = S^T A S

Version 1:  conv -> (pool, three convs with residual sums) x L -> max over clusters -> MLP
Version 2:  (pool with three-layer GNNs) x L -> three convs; max after every stage, concatenated -> MLP

Our L is Table S3's number of pooling layers. Clusters: a tenth of the largest graph's nodes with one pooling layer, with
more a quarter at each, rounded up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import ceil

import torch
from torch import Tensor, nn

from rethinkpool_core.batching.batch import Batch
from rethinkpool_core.engine.affine import Linear, affine_of_parts, by_replica
from rethinkpool_core.engine.norm import BatchNorm
from rethinkpool_core.engine.pooling import Coarse
from rethinkpool_core.engine.rows import Assignment, Rows
from rethinkpool_core.engine.softmax import row_maximum, softmax
from rethinkpool_core.models.base import Activation, MoleculeInput, PoolingModel, Shape, output_network
from rethinkpool_core.ops.assignments import random_assignment
from rethinkpool_core.ops.convolutions import GraphConv, SAGEConv
from rethinkpool_core.ops.losses import entropy_loss, link_loss


@dataclass(frozen=True)
class DiffPoolConfig:
    """random_assignment: a distribution of `ops.assignments`, or "" where the assignment is learned.

    invariant: logits X S~ (Theorem 1) in the place of one random row a place.
    sage: "2020", the operator behind the published numbers, or "pyg2", today's.
    sum_input: one GraphConv on the input features, as on IMDB-B, whose features say nothing; in version 1 in the place
    of its first convolution.
    cluster_ratio: clusters of a pooling layer over nodes before it; 0 takes 0.1 with one pooling layer and 0.25 with more.
    norm_padding: batch norm's statistics over the padded batch, as in the release, instead of over real nodes (version 2).
    """

    num_pool_layers: int
    hidden_dim: int
    mlp_hidden_dim: int
    random_assignment: str
    sum_input: bool
    invariant: bool = False
    sage: str = "2020"
    cluster_ratio: float = 0.0
    norm_padding: bool = False


class SAGEStack(nn.Module):
    """Three convolutions with ReLU and batch norm after the first two. x (..., N, in_dim) -> list of (..., N, dim).

    version 1    with ``normalize`` and self-loops; adds each of the first two layers' input where widths agree; the last layer
    version 2    all three layers, of which the last is (..., N, out_dim); whoever needs them side by side puts them there
    """

    def __init__(self, in_dim: int, dim: int, out_dim: int, config: DiffPoolConfig, *, version: int):
        super().__init__()
        first = version == 1
        self.residual, self.norm_padding = first, config.norm_padding
        dims = [(in_dim, dim), (dim, dim), (dim, out_dim)]
        self.convs = nn.ModuleList(
            SAGEConv(i, o, sage=config.sage, loop=first, normalize=first) for i, o in dims
        )
        self.norms = nn.ModuleList(BatchNorm(dim) for _ in range(2))

    def forward(self, x: Tensor, A, rows: Rows) -> list[Tensor]:
        outs = []
        for conv, norm in zip(self.convs, self.norms, strict=False):
            new = norm(conv(x, A, relu=True), rows.counted(x, self.norm_padding))
            x = x + new if self.residual and x.shape == new.shape else new
            outs.append(x)
        x = self.convs[2](x, A)
        return [x] if self.residual else [*outs, x]


class Assign(nn.Module):
    """S of one pooling layer, (..., N, K), from the nodes' features (..., N, D) or without them."""

    def __init__(self, gnn: nn.Module | None, in_dim: int, nodes: int, clusters: int, config: DiffPoolConfig):
        super().__init__()
        self.gnn, self.invariant = gnn, config.invariant
        if gnn is None:
            places = in_dim if config.invariant else nodes
            self.register_buffer("random", random_assignment(config.random_assignment, places, clusters))

    def forward(self, x: Tensor, A, rows: Rows) -> Assignment:
        if self.gnn is not None:
            (logits,) = self.gnn(x, A, rows)
        elif self.invariant:
            flat, random = by_replica(x.detach(), self.random, 2)
            logits = (flat @ random).view(*x.shape[:-1], -1)
        else:
            return self.fixed(rows, len(x))
        return Assignment(softmax(logits), rows)

    def fixed(self, rows: Rows, num_graphs: int) -> Assignment:
        """One random row a place; ``num_graphs`` matters after the first pooling layer."""
        return Assignment(rows.place(softmax(self.random), num_graphs), rows)


class OneConv(nn.Module):
    """Version 1's pooling and embedding GNN: one convolution, its rows of unit length. As `SAGEStack`, a list of one."""

    def __init__(self, in_dim: int, out_dim: int, config: DiffPoolConfig):
        super().__init__()
        self.conv = SAGEConv(in_dim, out_dim, sage=config.sage, normalize=True)

    def forward(self, x: Tensor, A, rows: Rows) -> list[Tensor]:
        return [self.conv(x, A)]


class ThreeConvs(nn.Module):
    """Version 2's pooling GNN: the stack and a linear map of its layers, side by side, to the clusters. A list of one."""

    def __init__(self, in_dim: int, dim: int, clusters: int, config: DiffPoolConfig):
        super().__init__()
        self.stack = SAGEStack(in_dim, dim, clusters, config, version=2)
        self.linear = Linear(2 * dim + clusters, clusters)

    def forward(self, x: Tensor, A, rows: Rows) -> list[Tensor]:
        return [affine_of_parts(self.stack(x, A, rows), self.linear)]


def cluster_numbers(config: DiffPoolConfig, max_nodes: int) -> list[tuple[int, int]]:
    """(nodes before, clusters after) of each pooling layer."""
    ratio = config.cluster_ratio or (0.1 if config.num_pool_layers == 1 else 0.25)
    numbers, nodes = [], max_nodes
    for _ in range(config.num_pool_layers):
        numbers.append((nodes, ceil(ratio * nodes)))
        nodes = numbers[-1][1]
    return numbers


class _DiffPool(PoolingModel):
    loop: bool  # whether convolutions of pooled graphs count a node among its neighbours

    def known(self, batch: Batch) -> dict[str, Tensor]:
        if not self.config.random_assignment or self.config.invariant:
            return {}
        A, rows, known = batch.A, Rows(batch), {}
        for level, assign in enumerate(self.assign):
            S = assign.fixed(rows, batch.num_graphs)
            A, rows = Coarse(A, S, self.shape.mean_nodes, losses=False), Rows()
            known |= {f"{level}/{name}": value for name, value in A.known(self.loop).items()}
        return known

    def pool(
        self, level: int, x: Tensor, A, rows: Rows, batch: Batch, losses, layers, auxiliary: bool
    ) -> tuple[Tensor, Coarse]:
        """One pooling layer: X' (B, K, D) and A'; adds to the losses and the trace."""
        auxiliary = auxiliary and not self.config.random_assignment
        S = self.assign[level](x, A, rows)
        Z = self.embed[level](x, A, rows)
        layers[f"embed {level + 1}"] = Activation(
            partial(torch.cat, Z, -1), rows.batch.pointer if rows.batch else None
        )
        coarse = Coarse(A, S, self.shape.mean_nodes, Z, losses=auxiliary, known=batch.known(level) or None)
        if auxiliary:
            losses["link"] = losses.get("link", 0.0) + link_loss(coarse)
            losses["entropy"] = losses.get("entropy", 0.0) + entropy_loss(S)
        layers[f"pool {level + 1}"] = Activation(coarse.X)
        return coarse.X, coarse


class DiffPool(_DiffPool):
    """Version 1 (Table S3)."""

    loop = True

    def __init__(self, shape: Shape, config: DiffPoolConfig, seed: int):
        super().__init__(shape, config, seed)
        dim = config.hidden_dim
        self.molecules = MoleculeInput(dim) if shape.molecules else None
        in_dim = dim if shape.molecules else shape.in_dim
        if config.sum_input:
            self.first = GraphConv(in_dim, dim)
        else:
            self.first = SAGEConv(in_dim, dim, sage=config.sage, normalize=True)
        self.assign, self.embed, self.convs = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for nodes, clusters in cluster_numbers(config, shape.max_nodes):
            gnn = None if config.random_assignment else OneConv(dim, clusters, config)
            self.assign.append(Assign(gnn, dim, nodes, clusters, config))
            self.embed.append(OneConv(dim, dim, config))
            self.convs.append(SAGEStack(dim, dim, dim, config, version=1))
        self.output = output_network(dim, config.mlp_hidden_dim, shape.out_dim)

    def compute(
        self, batch: Batch, layers: dict[str, Activation], auxiliary: bool
    ) -> tuple[Tensor, dict[str, Tensor]]:
        losses: dict[str, Tensor] = {}
        A, rows = batch.A, Rows(batch)
        x = batch.x if self.molecules is None else self.molecules(batch)
        x = self.first(x, A)  # (N, D)
        layers["conv 1"] = Activation(x, batch.pointer)
        for level, convs in enumerate(self.convs):
            x, A = self.pool(level, x, A, rows, batch, losses, layers, auxiliary)  # (B, K, D)
            rows = Rows()
            (x,) = convs(x, A, rows)
            layers[f"convs {level + 2}"] = Activation(x)
        return self.output(row_maximum(x)), losses


class DiffPoolV2(_DiffPool):
    """Version 2 (Appendix B)."""

    loop = False

    def __init__(self, shape: Shape, config: DiffPoolConfig, seed: int):
        super().__init__(shape, config, seed)
        dim = config.hidden_dim
        self.molecules = MoleculeInput(dim) if shape.molecules else None
        in_dim = dim if shape.molecules else shape.in_dim
        self.sum_input = GraphConv(in_dim, in_dim) if config.sum_input else None
        self.assign, self.embed = nn.ModuleList(), nn.ModuleList()
        for nodes, clusters in cluster_numbers(config, shape.max_nodes):
            gnn = None if config.random_assignment else ThreeConvs(in_dim, dim, clusters, config)
            self.assign.append(Assign(gnn, in_dim, nodes, clusters, config))
            self.embed.append(SAGEStack(in_dim, dim, dim, config, version=2))
            in_dim = 3 * dim
        self.final = SAGEStack(in_dim, dim, dim, config, version=2)
        self.output = output_network(
            in_dim * (config.num_pool_layers + 1), config.mlp_hidden_dim, shape.out_dim
        )

    def compute(
        self, batch: Batch, layers: dict[str, Activation], auxiliary: bool
    ) -> tuple[Tensor, dict[str, Tensor]]:
        losses: dict[str, Tensor] = {}
        A, rows = batch.A, Rows(batch)
        x = batch.x if self.molecules is None else self.molecules(batch)
        if self.sum_input is not None:
            x = self.sum_input(x, A)
        readouts = []
        for level in range(self.config.num_pool_layers):
            x, A = self.pool(level, x, A, rows, batch, losses, layers, auxiliary)  # (B, K, 3 D)
            rows = Rows()
            readouts.append(row_maximum(x))
        outs = self.final(x, A, rows)
        layers["convs"] = Activation(partial(torch.cat, outs, -1))
        return self.output(torch.cat([*readouts, *map(row_maximum, outs)], -1)), losses
