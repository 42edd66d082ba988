"""MINCUTPOOL and N-MINCUTPOOL."""

from __future__ import annotations

from math import ceil

import torch
from torch import Tensor, nn
from torch_geometric.nn import DenseGraphConv, GraphConv, dense_mincut_pool
from torch_geometric.utils import to_dense_adj, to_dense_batch

from rethinkpool_core.reference.fixed import fixed_pool


class MinCutPool(nn.Module):
    """``forward`` returns logits and the auxiliary losses by name (none if the assignment is random)."""

    def __init__(self, shape, config):
        super().__init__()
        dim, nodes = config.hidden_dim, shape.max_nodes
        self.first = GraphConv(shape.in_dim, dim)
        self.convs, self.assign = nn.ModuleList(), nn.ModuleList()
        self.random = bool(config.random_assignment)
        for level in range(config.num_pool_layers):
            clusters = ceil(config.cluster_ratio * nodes)
            if self.random:
                self.register_buffer(f"S_{level}", torch.randn(nodes, clusters).softmax(-1))
            else:
                self.assign.append(nn.Linear(dim, clusters))
            self.convs.append(DenseGraphConv(dim, dim))
            nodes = clusters
        self.output = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, shape.out_dim))

    def forward(self, data) -> tuple[Tensor, dict[str, Tensor]]:
        x = self.first(data.x, data.edge_index).relu()
        x, mask = to_dense_batch(x, data.batch)
        A = to_dense_adj(data.edge_index, data.batch, max_num_nodes=x.shape[1]).to(x.dtype)
        losses = {}
        for level, conv in enumerate(self.convs):
            if self.random:
                x, A = fixed_pool(x, A, self.get_buffer(f"S_{level}"))
                A = normalised(A)
            else:
                x, A, cut, orthogonality = dense_mincut_pool(x, A, self.assign[level](x), mask)
                losses["cut"] = losses.get("cut", 0.0) + cut
                losses["orthogonality"] = losses.get("orthogonality", 0.0) + orthogonality
            mask = None
            x = conv(x, A)
            if level < len(self.convs) - 1:
                x = x.relu()
        return self.output(x.mean(1)), losses


def normalised(A: Tensor) -> Tensor:
    """Return D^(-1/2) A D^(-1/2) of A without its diagonal, as `dense_mincut_pool` computes it. Zeroes the diagonal in place."""
    A.diagonal(dim1=1, dim2=2).zero_()
    root = A.sum(-1, keepdim=True).sqrt() + 1e-15
    return A / root / root.transpose(1, 2)
