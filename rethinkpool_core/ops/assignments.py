r"""Assignment matrices as layers: learned from features, or fixed and random in the randomised variants."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from rethinkpool_core.engine.affine import Linear, by_replica
from rethinkpool_core.engine.assignment import Assignment, FixedAssignment, LinearAssignment
from rethinkpool_core.engine.graph import Graph
from rethinkpool_core.engine.softmax import softmax

Distribution = Literal["uniform", "normal", "bernoulli", "categorical"]
BERNOULLI_P = 0.3


def random_assignment(distribution: str, rows: int, columns: int) -> Tensor:
    """Return (rows, columns) logits from the global generator.

    Uniform on [0, 1), standard normal, Bernoulli(0.3), or rows with a single one ("categorical").
    """
    if distribution == "uniform":
        return torch.rand(rows, columns)
    if distribution == "normal":
        return torch.randn(rows, columns)
    if distribution == "bernoulli":
        return torch.bernoulli(torch.full((rows, columns), BERNOULLI_P))
    return torch.nn.functional.one_hot(torch.randint(columns, (rows,)), columns).float()


class LearnedAssignment(Linear):
    """S = softmax(X W + b), from the features of the graph (MINCUTPOOL)."""

    def forward(self, graph: Graph) -> Assignment:
        return LinearAssignment(graph.x, self, graph.nodes)


class GNNAssignment(nn.Module):
    """S = softmax(GNN(A, X)), learned (DIFFPOOL)."""

    def __init__(self, gnn: nn.Module):
        super().__init__()
        self.gnn = gnn

    def forward(self, graph: Graph) -> Assignment:
        return Assignment(softmax(self.gnn(graph).x), graph.nodes)


class RandomAssignment(nn.Module):
    """S = softmax(R) with a fixed random matrix R, (nodes, clusters): a node takes the row of its position in its graph."""

    def __init__(self, distribution: str, nodes: int, clusters: int):
        super().__init__()
        self.register_buffer("random", random_assignment(distribution, nodes, clusters))

    def forward(self, graph: Graph) -> FixedAssignment:
        return FixedAssignment(self.random, graph.nodes)


class InvariantAssignment(nn.Module):
    """S = softmax(X R) with a fixed random matrix R, (in_dim, clusters), invariant to the order of nodes (Theorem 1).

    No gradient goes through X.
    """

    def __init__(self, distribution: str, in_dim: int, clusters: int):
        super().__init__()
        self.register_buffer("random", random_assignment(distribution, in_dim, clusters))

    def forward(self, graph: Graph) -> Assignment:
        x, random = by_replica(graph.x.detach(), self.random, 2)
        return Assignment(softmax((x @ random).view(*graph.x.shape[:-1], -1)), graph.nodes, learned=False)
