"""What the benchmark measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rethinkpool_core.reference.build import REFERENCE_MODELS

FORMAT = 2


@dataclass(frozen=True)
class Plan:
    """Parameters of the benchmark.

    seeds           number of stacked seeds
    graphs          largest number of graphs of the dataset, 0 for all
    rounds          epochs of each implementation
    memory, growth  whether to measure memory and growth curves too
    growth_models   models of the curves over seeds and nodes
    seed_numbers, node_numbers, graph_numbers
                    points of the curves
    patience        seconds of one epoch after which a curve is not continued
    """

    models: tuple[str, ...] = tuple(REFERENCE_MODELS)
    dataset: str = "NCI1"
    device: str = "cpu"
    threads: int = 1
    seeds: int = 8
    graphs: int = 0
    rounds: int = 5
    memory: bool = True
    growth: bool = True
    growth_models: tuple[str, ...] = ("MINCUTPOOL", "N-MINCUTPOOL")
    seed_numbers: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)
    node_numbers: tuple[int, ...] = (30, 100, 300, 1000, 3000)
    graph_numbers: tuple[int, ...] = (1000, 4000, 10000, 40000)
    patience: float = 60.0


QUICK: dict[str, Any] = {
    "graphs": 300,
    "rounds": 2,
    "memory": False,
    "growth_models": ("MINCUTPOOL",),
    "seed_numbers": (1, 4, 16),
    "node_numbers": (30, 100, 300),
    "graph_numbers": (1000,),
}
"""Parameters for a first impression in about a minute."""
