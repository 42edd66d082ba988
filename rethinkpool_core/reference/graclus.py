"""GRACLUS and COMPLEMENT."""

from __future__ import annotations

from torch import Tensor, nn
from torch_geometric.data import Batch
from torch_geometric.nn import GraphConv, global_mean_pool, max_pool

from rethinkpool_core.reference.matching import MATCHINGS


class Graclus(nn.Module):
    """``forward`` returns logits and no losses. ``matching`` maps a batch to the cluster of each node, (N,) int64."""

    def __init__(self, shape, config):
        super().__init__()
        dim = config.hidden_dim
        self.matching = MATCHINGS[config.matching]
        self.first = GraphConv(shape.in_dim, dim)
        self.levels = range(config.initial_convolutions, config.initial_convolutions + config.num_layers - 1)
        further = config.initial_convolutions + config.num_layers - 3
        self.convs = nn.ModuleList(GraphConv(dim, dim) for _ in range(further))
        self.output = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, shape.out_dim))

    def forward(self, data) -> tuple[Tensor, dict[str, Tensor]]:
        size = data.num_graphs
        x = data.x
        for number, conv in enumerate([self.first, *self.convs], start=1):
            x = conv(x, data.edge_index).relu()
            if number in self.levels:
                data = max_pool(self.matching(data), Batch(batch=data.batch, x=x, edge_index=data.edge_index))
                x = data.x
        return self.output(global_mean_pool(x, data.batch, size)), {}
