"""What the main layers of a model make of the graphs of a batch (Appendix E)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from torch import Tensor

from rethinkpool_core.engine.assignment import Assignment
from rethinkpool_core.engine.graph import Graph

G = TypeVar("G", bound=Graph)


@dataclass(frozen=True)
class Activation:
    """One row per node after a layer: ragged rows with the first row of each graph, or blocks (B, K, D)."""

    values: Tensor
    pointer: Tensor | None = None

    def of_graph(self, number: int) -> Tensor:
        """Return the rows of one graph of the batch, (nodes, D)."""
        if self.pointer is None:
            return self.values[number]
        return self.values[self.pointer[number] : self.pointer[number + 1]]


class Trace(Protocol):
    """Takes note of layers by name and returns the graph it was given."""

    def __call__(self, name: str, graph: G, S: Assignment | None = None) -> G: ...


def no_trace(name: str, graph: G, S: Assignment | None = None) -> G:
    """Take note of nothing, so that what no later layer asks for is never computed."""
    return graph


class MeasuringTrace:
    """Computes no layer, only what ``measure`` says of each assignment; "memory 1 purity" is the purity of layer "memory 1".

    values    (B,) by name
    """

    def __init__(self, measure: Callable[[Assignment], dict[str, Tensor]]):
        self.measure = measure
        self.values: dict[str, Tensor] = {}

    def __call__(self, name: str, graph: G, S: Assignment | None = None) -> G:
        if S is not None:
            self.values |= {f"{name} {measure}": value for measure, value in self.measure(S).items()}
        return graph


class RecordedTrace:
    """Computes every layer and keeps it in ``layers``; the assignment of the pooling layer "pool 1" is "assignment 1"."""

    def __init__(self):
        self.layers: dict[str, Activation] = {}

    def __call__(self, name: str, graph: G, S: Assignment | None = None) -> G:
        if S is not None:
            self.layers[f"assignment {name.split()[-1]}"] = Activation(S.S, S.nodes.pointer)
        self.layers[name] = Activation(graph.x, graph.nodes.pointer)
        return graph
