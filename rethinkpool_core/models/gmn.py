r"""Graph memory networks (Appendix A.2, Table S4), with DISTANCE-GMN and RANDOM-GMN.

    query network: (conv, ReLU) x 2, batch norm -> memory layers -> mean over queries -> MLP

One memory layer with H heads of K keys each, queries Q (n, D):

    C_h[i, j] = (1 + |q_i - k_hj|^2 / tau)^(-(tau + 1) / 2), rows scaled to sum 1      Student's t kernel
    S = softmax over keys of the heads' weighted sum
    Q' = LeakyReLU(S^T Q W + b)

DISTANCE-GMN has plain distances to fixed random keys as C (the simplified GMN of Theorem 2 with ``activation="relu"``),
RANDOM-GMN a fixed random matrix, one row a place in the graph. With one head there is no weighted sum. Table S4's hidden
dimension is that of Q'.

Keys and everything else are trained in turns: the purity loss of Appendix D moves the keys, every ``purity_period``-th
epoch, and the supervised loss the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rethinkpool_core.batching.batch import Batch
from rethinkpool_core.engine.affine import Linear, by_replica
from rethinkpool_core.engine.norm import BatchNorm
from rethinkpool_core.engine.rows import Assignment, Rows
from rethinkpool_core.engine.softmax import log_softmax, power_normalise
from rethinkpool_core.models.base import Activation, FirstConv, PoolingModel, Shape, output_network
from rethinkpool_core.ops.assignments import random_assignment
from rethinkpool_core.ops.convolutions import GraphConv
from rethinkpool_core.ops.losses import purity_loss, safe_sqrt

ACTIVATIONS = {"leaky_relu": nn.LeakyReLU, "relu": nn.ReLU}


@dataclass(frozen=True)
class GMNConfig:
    """kernel: "student", "distance" or "random". query_dim: width of the query network. tau: degrees of freedom of the kernel.

    key_scale: keys are drawn uniformly from [0, key_scale). train_keys: whether unsupervised epochs move the keys, as the
    paper says, or everything else, as the release did (its keys never moved). norm_padding: see `DiffPoolConfig`.
    """

    num_keys: tuple[int, ...]
    num_heads: int
    hidden_dim: int
    kernel: str
    train_keys: bool
    key_scale: float
    query_dim: int = 64
    mlp_hidden_dim: int = 50
    tau: float = 1.0
    activation: str = "leaky_relu"
    random_assignment: str = "uniform"
    purity_weight: float = 100.0
    purity_period: int = 5
    norm_padding: bool = False


class MemoryLayer(nn.Module):
    """n queries of width in_dim to K of width hidden_dim."""

    def __init__(self, in_dim: int, nodes: int, num_keys: int, config: GMNConfig):
        super().__init__()
        self.kernel, self.tau, self.heads, self.num_keys = (
            config.kernel,
            config.tau,
            config.num_heads,
            num_keys,
        )
        if config.kernel == "random":
            self.register_buffer("random", random_assignment(config.random_assignment, nodes, num_keys))
        else:
            keys = config.key_scale * torch.rand(config.num_heads, num_keys, in_dim)
            if config.train_keys:
                self.keys = nn.Parameter(keys)
            else:
                self.register_buffer("keys", keys)
            self.mix = nn.Linear(config.num_heads, 1, bias=False) if config.num_heads > 1 else None
        self.linear = Linear(in_dim, config.hidden_dim)
        self.activation = ACTIVATIONS[config.activation]()

    def closeness(self, Q: Tensor) -> Tensor:
        """C of R replicas with n queries each, (R, n, H, K)."""
        Q, keys = by_replica(Q, self.keys, 3)
        keys = keys.flatten(1, 2)  # (R, H K, D)
        student, tau = self.kernel == "student", self.tau if self.kernel == "student" else 1.0
        # Squared distances over tau, and one more for Student's kernel, within the product.
        of_keys = keys.square().sum(-1).unsqueeze(1) / tau + (1.0 if student else 0.0)
        of_queries = Q.square().sum(-1, keepdim=True) / tau
        C = torch.baddbmm(of_keys, Q, keys.mT, alpha=-2 / tau) + of_queries
        C = C.unflatten(-1, (self.heads, self.num_keys))
        if not student:
            return safe_sqrt(C)
        return power_normalise(C, (tau + 1) / 2)

    def log_assignment(self, Q: Tensor, rows: Rows) -> Tensor:
        """log S, (..., n, K)."""
        if self.kernel == "random":
            return log_softmax(rows.place(self.random, len(Q)))
        if self.num_keys == 1:
            return Q.new_zeros(*Q.shape[:-1], 1)  # all of every query goes to the one key, wherever it is
        C = self.closeness(Q).flatten(2)
        if self.mix is not None:
            # The weighted sum over heads as one product: (R, n, H K) by (R, H K, K).
            mix = self.mix.weight.reshape(len(C), self.heads, 1, 1)
            C = C @ (mix * torch.eye(self.num_keys, dtype=C.dtype, device=C.device)).flatten(1, 2)
        return log_softmax(C.view(*Q.shape[:-1], self.num_keys))

    def forward(self, Q: Tensor, rows: Rows) -> tuple[Tensor, Tensor]:
        """Q' (B, K, hidden_dim) and log S."""
        log_S = self.log_assignment(Q, rows)
        return self.activation(self.linear(Assignment(log_S.exp(), rows).pool(Q))), log_S


class GMN(PoolingModel):
    def __init__(self, shape: Shape, config: GMNConfig, seed: int):
        super().__init__(shape, config, seed)
        self.has_max_nodes = config.kernel == "random"
        dim = config.query_dim
        self.first = FirstConv(shape, dim)
        self.second = GraphConv(dim, dim)
        self.norm = BatchNorm(dim)
        self.memory = nn.ModuleList()
        nodes = shape.max_nodes
        for num_keys in config.num_keys:
            self.memory.append(MemoryLayer(dim, nodes, num_keys, config))
            dim, nodes = config.hidden_dim, num_keys
        self.output = output_network(dim, config.mlp_hidden_dim, shape.out_dim, nn.LeakyReLU)

    @property
    def learns_keys(self) -> bool:
        """Whether training alternates with the purity loss at all."""
        return self.config.kernel == "student"

    def compute(
        self, batch: Batch, layers: dict[str, Activation], auxiliary: bool
    ) -> tuple[Tensor, dict[str, Tensor]]:
        rows = Rows(batch)
        x = self.first(batch, relu=True)
        layers["conv 1"] = Activation(x, batch.pointer)
        x = self.second(x, batch.A.T, relu=True)
        layers["conv 2"] = Activation(x, batch.pointer)
        Q = self.norm(x, rows.counted(x, self.config.norm_padding))
        purity = 0.0
        for number, layer in enumerate(self.memory, start=1):
            Q, log_S = layer(Q, rows)  # (B, K, D)
            if auxiliary and self.learns_keys:
                purity = purity + purity_loss(log_S, rows)
            layers[f"memory {number}"] = Activation(Q)
            rows = Rows()
        wanted = auxiliary and self.learns_keys
        losses = {"purity": self.config.purity_weight * purity} if wanted else {}
        return self.output(Q.mean(1)), losses
