"""GMN."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.nn import GraphConv, MemPooling
from torch_geometric.utils import to_dense_batch


class GMN(nn.Module):
    """``forward`` returns logits and no losses. ``purity`` is the loss of the unsupervised epochs, which update ``keys``."""

    def __init__(self, shape, config):
        super().__init__()
        dim = config.query_dim
        self.first, self.second = GraphConv(shape.in_dim, dim), GraphConv(dim, dim)
        self.norm = nn.BatchNorm1d(dim)
        self.memory = nn.ModuleList()
        for keys in config.num_keys:
            layer = MemPooling(dim, config.hidden_dim, config.num_heads, keys, config.tau)
            layer.lin = nn.Linear(dim, config.hidden_dim)  # MemPooling's own has no bias
            if config.num_heads == 1:
                layer.conv = nn.Identity()
            self.memory.append(layer)
            dim = config.hidden_dim
        self.output = nn.Sequential(
            nn.Linear(dim, config.mlp_hidden_dim),
            nn.LeakyReLU(),
            nn.Linear(config.mlp_hidden_dim, shape.out_dim),
        )
        self.purity_weight, self.purity_period = config.purity_weight, config.purity_period

    @property
    def keys(self) -> list[nn.Parameter]:
        return [layer.k for layer in self.memory]

    def memories(self, data) -> tuple[Tensor, list[Tensor]]:
        """Return the queries of the last layer and the assignments of all layers."""
        x = self.first(data.x, data.edge_index).relu()
        x = self.second(x, data.edge_index).relu()
        Q, mask = to_dense_batch(self.norm(x), data.batch)
        assignments = []
        for layer in self.memory:
            Q, S = layer(Q, mask=mask)
            Q, mask = F.leaky_relu(Q), None
            assignments.append(S)
        return Q, assignments

    def forward(self, data) -> tuple[Tensor, dict[str, Tensor]]:
        Q, _ = self.memories(data)
        return self.output(Q.mean(1)), {}

    def purity(self, data) -> Tensor:
        _, assignments = self.memories(data)
        return self.purity_weight * sum(MemPooling.kl_loss(S) for S in assignments)
