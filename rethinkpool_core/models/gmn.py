r"""GMN, graph memory networks (Appendix A.2, Table S4), with DISTANCE-GMN and RANDOM-GMN.

    query network: (conv, ReLU) x 2, batch norm -> memory layers -> mean over queries -> MLP

One memory layer with H heads of K keys each, queries Q (n, D):

    C_h[i, j] = (1 + |q_i - k_hj|^2 / tau)^(-(tau + 1) / 2), rows scaled to sum 1      Student's t kernel
    S = softmax over keys of the heads' weighted sum
    Q' = LeakyReLU(S^T Q W + b)

DISTANCE-GMN has plain distances to fixed random keys as C (the simplified GMN of Theorem 2 with ``activation="relu"``),
RANDOM-GMN a fixed random matrix as the logits of S, one row per position in the graph. With one head there is no weighted sum.
Table S4's hidden dimension is that of Q'.

Keys and everything else are trained in turns: the unsupervised loss of Appendix D moves the keys, every ``purity_period``-th
epoch, and the supervised loss the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Tensor, nn

from rethinkpool_core.engine.affine import Linear, by_replica, mix_heads
from rethinkpool_core.engine.assignment import Assignment, LogAssignment
from rethinkpool_core.engine.distances import SquaredDistances
from rethinkpool_core.engine.graph import Graph
from rethinkpool_core.engine.pooled import pool_features
from rethinkpool_core.engine.softmax import log_softmax, power_normalise
from rethinkpool_core.models.base import Losses, PoolingModel, Shape, first_conv, output_network
from rethinkpool_core.models.trace import Trace
from rethinkpool_core.models.update import Update
from rethinkpool_core.ops.assignments import Distribution, RandomAssignment
from rethinkpool_core.ops.convolutions import GraphConv
from rethinkpool_core.ops.losses import purity_loss, safe_sqrt
from rethinkpool_core.ops.measures import distance_from_uniform
from rethinkpool_core.ops.norm import BatchNorm
from rethinkpool_core.parameters.types import (
    NonNegativeFloat,
    NonNegativeInt,
    OnlyIf,
    PositiveFloat,
    PositiveInt,
)

ACTIVATIONS = {"leaky_relu": nn.LeakyReLU, "relu": nn.ReLU}


@dataclass(frozen=True)
class GMNConfig:
    """Parameters of GMN, DISTANCE-GMN and RANDOM-GMN.

    num_keys           K of each memory layer
    num_heads          H, the number of heads of each memory layer
    hidden_dim         width of the queries that memory layers return
    mlp_hidden_dim     width of the hidden layer of the output network
    kernel             "student", "distance" or "random"
    train_keys         whether unsupervised epochs move the keys, as the paper says, or everything else, as the release did (its
                       keys never moved)
    key_scale          keys are drawn uniformly from [0, key_scale)
    query_dim          width of the query network
    tau                degrees of freedom of the kernel
    activation         of each memory layer
    random_assignment  "uniform", "normal", "bernoulli" or "categorical" noise
    purity_weight      weight of the unsupervised loss
    purity_period      epochs from one update of the keys to the next; 0 never updates them
    norm_padding       statistics of the batch norm over the padded batch, as in the release, not over nodes
    """

    num_keys: tuple[PositiveInt, ...]
    num_heads: Annotated[PositiveInt, OnlyIf("kernel", "student", "distance")]
    hidden_dim: PositiveInt
    kernel: str
    train_keys: Annotated[bool, OnlyIf("kernel", "student")]
    key_scale: Annotated[PositiveFloat, OnlyIf("kernel", "student", "distance")]
    query_dim: PositiveInt = 64
    mlp_hidden_dim: PositiveInt = 50
    tau: Annotated[PositiveFloat, OnlyIf("kernel", "student")] = 1.0
    activation: Literal["leaky_relu", "relu"] = "leaky_relu"
    random_assignment: Annotated[Distribution, OnlyIf("kernel", "random")] = "uniform"
    purity_weight: Annotated[NonNegativeFloat, OnlyIf("kernel", "student")] = 100.0
    purity_period: Annotated[NonNegativeInt, OnlyIf("kernel", "student")] = 5
    norm_padding: bool = False


class MemoryAssignment(nn.Module):
    """S of a memory layer: the softmax over K keys of the kernel between queries and keys."""

    def __init__(self, in_dim: int, num_keys: int, config: GMNConfig):
        super().__init__()
        self.kernel, self.tau, self.num_heads, self.num_keys = (
            config.kernel,
            config.tau,
            config.num_heads,
            num_keys,
        )
        keys = config.key_scale * torch.rand(config.num_heads, num_keys, in_dim)
        if config.train_keys:
            self.keys = nn.Parameter(keys)
        else:
            self.register_buffer("keys", keys)
        self.mix = nn.Linear(config.num_heads, 1, bias=False) if config.num_heads > 1 else None

    def closeness(self, Q: Tensor) -> Tensor:
        """Return C for queries (..., D), (R, n, H, K) of R replicas."""
        Q, keys = by_replica(Q, self.keys, 3)
        d2 = SquaredDistances(Q, keys)
        if self.kernel == "distance":
            return safe_sqrt(d2.value())
        return power_normalise((1 + d2 / self.tau).value(), -(self.tau + 1) / 2)  # rows scaled to sum 1

    def forward(self, graph: Graph) -> LogAssignment:
        Q = graph.x
        if self.num_keys == 1:  # all of every query goes to the one key, wherever it is
            return LogAssignment(Q.new_zeros(*Q.shape[:-1], 1), graph.nodes)
        C = self.closeness(Q)
        C = C.squeeze(2) if self.mix is None else mix_heads(C, self.mix.weight)
        return LogAssignment(log_softmax(C.view(*Q.shape[:-1], self.num_keys)), graph.nodes)


class MemoryLayer(nn.Module):
    """n queries of width in_dim to K of width hidden_dim."""

    def __init__(self, in_dim: int, nodes: int, num_keys: int, config: GMNConfig):
        super().__init__()
        if config.kernel == "random":
            self.assign = RandomAssignment(config.random_assignment, nodes, num_keys)
        else:
            self.assign = MemoryAssignment(in_dim, num_keys, config)
        self.linear = Linear(in_dim, config.hidden_dim)
        self.activation = ACTIVATIONS[config.activation]()

    def forward(self, graph: Graph) -> tuple[Graph, Assignment]:
        """Return the queries Q' (B, K, hidden_dim), and S."""
        S = self.assign(graph)
        pooled = pool_features(graph, S)  # S^T Q
        return pooled.with_x(self.activation(self.linear(pooled.x))), S


class GMN(PoolingModel):
    def __init__(self, shape: Shape, config: GMNConfig, seed: int):
        super().__init__(shape, config, seed)
        self.has_max_nodes = config.kernel == "random"
        dim = config.query_dim
        self.first = first_conv(shape, dim)
        self.second = GraphConv(dim, dim)
        self.norm = BatchNorm(dim, config.norm_padding)
        self.memory = nn.ModuleList()
        nodes = shape.max_nodes
        for num_keys in config.num_keys:
            self.memory.append(MemoryLayer(dim, nodes, num_keys, config))
            dim, nodes = config.hidden_dim, num_keys
        self.output = output_network(dim, config.mlp_hidden_dim, shape.out_dim, nn.LeakyReLU)

    @property
    def learns_keys(self) -> bool:
        """Whether training alternates with the purity loss at all."""
        return self.config.kernel == "student" and self.config.purity_period > 0

    def parameter_group(self, name: str) -> str:
        return "keys" if name.endswith(".keys") else "rest"

    def update(self, epoch: int) -> Update:
        """Every ``purity_period``-th epoch is one step of the keys along the purity loss; in the others it is not computed."""
        if not self.learns_keys:
            return Update("rest")
        if epoch % self.config.purity_period:
            return Update("rest", auxiliary=False)
        return Update("keys" if self.config.train_keys else "rest", loss="purity", full_batch=True)

    def measure(self, S: Assignment) -> dict[str, Tensor]:
        """The size of the unsupervised loss per layer, without its weight, and how far S is from 1/K everywhere."""
        if self.config.kernel != "student" or S.num_clusters == 1:
            return {}
        return {"purity": purity_loss(S), "distance from uniform": distance_from_uniform(S)}

    def compute(self, graph: Graph, trace: Trace) -> tuple[Tensor, Losses]:
        graph = trace("conv 1", self.first(graph).relu())  # (N, D)
        graph = trace("conv 2", self.second(graph).relu())
        graph = self.norm(graph)  # queries Q
        assignments = []
        for number, layer in enumerate(self.memory, start=1):
            graph, S = layer(graph)  # (B, K, D)
            trace(f"memory {number}", graph, S)
            assignments.append(S)
        weight = self.config.purity_weight
        purity = (weight * purity_loss(S) for S in assignments)
        return self.output(graph.mean()), {"purity": purity} if self.learns_keys else {}
