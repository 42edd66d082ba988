"""DIFFPOOL and DIFFPOOL-V2, each with its twin of normal noise.

Before the first pooling layer the convolutions are sparse: on NCI1 they are faster than dense ones, and batch norm sees only real
nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import ceil

import torch
from torch import Tensor, nn
from torch_geometric.nn import DenseSAGEConv, GraphConv, SAGEConv, dense_diff_pool
from torch_geometric.utils import to_dense_adj, to_dense_batch

from rethinkpool_core.reference.fixed import fixed_pool

TO_SOURCE = (
    "target_to_source"  # sums over a node's targets, as the dense layers do; matters on directed graphs only
)


def pool(
    x: Tensor, edges: Tensor, logits: Tensor | None, S: Tensor | None, data, losses: dict[str, Tensor]
) -> tuple[Tensor, Tensor]:
    """Pool with the softmax of ``logits``, adding to ``losses``, or with the fixed ``S``: x (B, K, dim), adjacency (B, K, K).

    data    the sparse batch before the first pooling layer, which is made dense here; None after it
    """
    mask = None
    if data is not None:
        x, mask = to_dense_batch(x, data.batch)
        edges = to_dense_adj(data.edge_index, data.batch, max_num_nodes=x.shape[1]).to(x.dtype)
        if logits is not None:
            logits, _ = to_dense_batch(logits, data.batch)
    if S is not None:
        return fixed_pool(x, edges, S)
    x, edges, link, entropy = dense_diff_pool(x, edges, logits, mask)
    losses["link"] = losses.get("link", 0.0) + link
    losses["entropy"] = losses.get("entropy", 0.0) + entropy
    return x, edges


class ResidualStack(nn.Module):
    """Three dense convolutions; the first two add their input to their result: x (B, K, dim) -> (B, K, dim)."""

    def __init__(self, dim: int):
        super().__init__()
        self.convs = nn.ModuleList(DenseSAGEConv(dim, dim, normalize=True) for _ in range(3))
        self.norms = nn.ModuleList(nn.BatchNorm1d(dim) for _ in range(2))

    def forward(self, x: Tensor, A: Tensor) -> Tensor:
        for conv, norm in zip(self.convs, self.norms, strict=False):
            out = conv(x, A).relu()
            x = x + norm(out.flatten(0, -2)).view(x.shape)
        return self.convs[2](x, A)


class DiffPool(nn.Module):
    """``forward`` returns logits and the auxiliary losses by name (none if the assignment is random)."""

    def __init__(self, shape, config):
        super().__init__()
        dim, nodes = config.hidden_dim, shape.max_nodes
        self.random = bool(config.random_assignment)
        if config.sum_input:
            self.first = GraphConv(shape.in_dim, dim, flow=TO_SOURCE)
        else:
            self.first = SAGEConv(shape.in_dim, dim, normalize=True, flow=TO_SOURCE)
        self.assign, self.embed, self.convs = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        ratio = config.cluster_ratio or (0.1 if config.num_pool_layers == 1 else 0.25)
        for level in range(config.num_pool_layers):
            conv = partial(SAGEConv, flow=TO_SOURCE) if level == 0 else DenseSAGEConv
            clusters = ceil(ratio * nodes)
            if self.random:
                self.register_buffer(f"S_{level}", torch.randn(nodes, clusters).softmax(-1))
            else:
                self.assign.append(conv(dim, clusters, normalize=True))
            self.embed.append(conv(dim, dim, normalize=True))
            self.convs.append(ResidualStack(dim))
            nodes = clusters
        self.output = nn.Sequential(
            nn.Linear(dim, config.mlp_hidden_dim), nn.ReLU(), nn.Linear(config.mlp_hidden_dim, shape.out_dim)
        )

    def forward(self, data) -> tuple[Tensor, dict[str, Tensor]]:
        x, edges = self.first(data.x, data.edge_index), data.edge_index
        losses = {}
        for level, (embed, convs) in enumerate(zip(self.embed, self.convs, strict=True)):
            logits = None if self.random else self.assign[level](x, edges)
            x = embed(x, edges)
            S = self.get_buffer(f"S_{level}") if self.random else None
            x, edges = pool(x, edges, logits, S, data if level == 0 else None, losses)
            x = convs(x, edges)
        return self.output(x.amax(1)), losses


class Stack(nn.Module):
    """Three convolutions whose outputs are concatenated: x (..., in_dim) -> (..., 2 dim + out_dim)."""

    def __init__(self, conv: Callable[[int, int], nn.Module], in_dim: int, dim: int, out_dim: int):
        super().__init__()
        self.convs = nn.ModuleList([conv(in_dim, dim), conv(dim, dim), conv(dim, out_dim)])
        self.norms = nn.ModuleList([nn.BatchNorm1d(dim), nn.BatchNorm1d(dim)])

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        """``edges`` is an edge_index, or an adjacency matrix (B, n, n) for x (B, n, in_dim)."""
        outs = []
        for conv, norm in zip(self.convs, self.norms, strict=False):
            x = conv(x, edges).relu()
            x = norm(x.flatten(0, -2)).view(x.shape)
            outs.append(x)
        return torch.cat([*outs, self.convs[2](x, edges)], -1)


class DiffPoolV2(nn.Module):
    """``forward`` returns logits and the auxiliary losses by name (none if the assignment is random)."""

    def __init__(self, shape, config):
        super().__init__()
        dim, in_dim, nodes = config.hidden_dim, shape.in_dim, shape.max_nodes
        self.random = bool(config.random_assignment)
        self.sum_input = GraphConv(in_dim, in_dim, flow=TO_SOURCE) if config.sum_input else None
        self.assign, self.linear, self.embed = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        ratio = config.cluster_ratio or (0.1 if config.num_pool_layers == 1 else 0.25)
        for level in range(config.num_pool_layers):
            conv = partial(SAGEConv, flow=TO_SOURCE) if level == 0 else DenseSAGEConv
            clusters = ceil(ratio * nodes)
            if self.random:
                self.register_buffer(f"S_{level}", torch.randn(nodes, clusters).softmax(-1))
            else:
                self.assign.append(Stack(conv, in_dim, dim, clusters))
                self.linear.append(nn.Linear(2 * dim + clusters, clusters))
            self.embed.append(Stack(conv, in_dim, dim, dim))
            in_dim, nodes = 3 * dim, clusters
        self.final = Stack(DenseSAGEConv, in_dim, dim, dim)
        self.output = nn.Sequential(
            nn.Linear(in_dim * (config.num_pool_layers + 1), config.mlp_hidden_dim),
            nn.ReLU(),
            nn.Linear(config.mlp_hidden_dim, shape.out_dim),
        )

    def forward(self, data) -> tuple[Tensor, dict[str, Tensor]]:
        x, edges = data.x, data.edge_index
        if self.sum_input is not None:
            x = self.sum_input(x, edges)
        losses, readouts = {}, []
        for level, embed in enumerate(self.embed):
            logits = None if self.random else self.linear[level](self.assign[level](x, edges))
            x = embed(x, edges)
            S = self.get_buffer(f"S_{level}") if self.random else None
            x, edges = pool(x, edges, logits, S, data if level == 0 else None, losses)
            readouts.append(x.amax(1))
        x = self.final(x, edges)
        return self.output(torch.cat([*readouts, x.amax(1)], -1)), losses
