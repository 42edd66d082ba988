r"""Graphs of a batch as expressions: what a model asks for is computed when it asks, and nothing before.

A model says what it computes, in the order of the equations, and asks for results: the ReLU of a convolution, the mean over
nodes, an auxiliary loss. Only then does the engine compute, and it knows by then what is wanted (`engine.rules`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from rethinkpool_core.batching.batch import Batch
from rethinkpool_core.engine.nodes import NodeLayout, RaggedNodes
from rethinkpool_core.engine.precomputed import RecordedTerms, Terms, terms_of
from rethinkpool_core.engine.softmax import maximum


@dataclass(frozen=True, eq=False)
class Level:
    """The graphs of a batch between two pooling layers, all replicas together, without their features.

    A           adjacency matrices, or None where no convolution follows
    nodes       layout of the nodes
    depth       number of pooling layers so far
    fixed       whether A depends on the graphs and the seed alone
    batch       the input graphs, or coarse graphs of matchings
    mean_nodes  average number of nodes of the dataset's graphs, hence about the rank of pooled adjacency matrices
    auxiliary   whether auxiliary losses will be asked for
    terms       precomputed terms of pooling layers with fixed assignments
    """

    A: Any
    nodes: NodeLayout
    mean_nodes: float
    depth: int = 0
    fixed: bool = True
    batch: Batch | None = None
    auxiliary: bool = True
    terms: Terms = field(default_factory=Terms)


class Graph:
    """The graphs of a batch with features x: (N, D) of ragged rows at the input, (B, n, D) after pooling.

    level  everything but the features
    parts  features as tensors that stand side by side in x

    Graphs hold what they are made of and never what is made of them: without circles, a step's tensors go as soon as its graphs.
    """

    def __init__(self, level: Level, parts: list[Tensor]):
        self.level, self.parts = level, parts

    @classmethod
    def from_batch(
        cls,
        batch: Batch,
        mean_nodes: float,
        *,
        auxiliary: bool = True,
        record: dict[str, Tensor] | None = None,
    ) -> Graph:
        """Return the input graphs of a batch.

        record  takes the terms that fixed assignments determine, see `engine.precomputed`
        """
        terms = terms_of(batch) if record is None else RecordedTerms(record)
        level = Level(batch.A, RaggedNodes(batch), mean_nodes, batch=batch, auxiliary=auxiliary, terms=terms)
        return cls(level, [batch.x])

    @property
    def A(self) -> Any:
        return self.level.A

    @property
    def nodes(self) -> NodeLayout:
        return self.level.nodes

    @cached_property
    def x(self) -> Tensor:
        return self.parts[0] if len(self.parts) == 1 else torch.cat(self.parts, -1)

    def with_x(self, *parts: Tensor) -> Graph:
        """Return the same graphs with other features, which stand side by side if there are several."""
        return Graph(self.level, list(parts))

    def relu(self) -> Graph:
        """Return the graphs with the ReLU of their features."""
        return self.with_x(F.relu(self.x))

    def mean(self) -> Tensor:
        """Return the mean of the features over the nodes of each graph, (B, D)."""
        return self.nodes.mean(self.x)

    def max(self, ties: str = "shared") -> Tensor:
        """Return the maximum of the features over the clusters of each pooled graph, (B, D).

        ties  "shared": clusters that tie share the gradient; "first": the first of them takes it
        """
        found = [maximum(part, ties) for part in self.parts]
        return found[0] if len(found) == 1 else torch.cat(found, -1)

    def mean_of_neighbours(self, add_self_loops: bool) -> Tensor:
        """Return the mean of x over the neighbours of each node; all convolutions on these graphs share it."""
        if add_self_loops not in self._means:
            self._means[add_self_loops] = self.A.mean(self.x, add_self_loops)
        return self._means[add_self_loops]

    @cached_property
    def _means(self) -> dict[bool, Tensor]:
        return {}


class Convolved(Graph):
    """The result of a convolution: ``compute(relu)`` returns its features, or the ReLU of them in the same pass."""

    def __init__(self, level: Level, compute: Callable[[bool], Tensor]):
        self.level, self.compute = level, compute

    @cached_property
    def parts(self) -> list[Tensor]:
        return [self.compute(False)]

    def relu(self) -> Graph:
        return self.with_x(self.compute(True))
