"""Which peaks of memory and which curves are measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from rethinkpool_core.bench import curves
from rethinkpool_core.bench.curves import Setup, measure
from rethinkpool_core.bench.implementations import Baseline, Implementation, Ours

if TYPE_CHECKING:
    from rethinkpool_core.bench.plan import Plan

IMPLEMENTATIONS: dict[str, type[Implementation]] = {"baseline": Baseline, "ours": Ours}
MEMORY_GRAPHS = 800
"""Graphs for a peak of memory, the largest one included."""
SEEDS_GRAPHS = 480
"""Graphs for the curve over seeds."""
NODES_BATCH = 8
"""Graphs per step in the curve over nodes."""
GRAPHS_MODEL = "N-MINCUTPOOL"
"""The model of the curve over graphs: with a fixed assignment, most could be stored per graph."""


def peaks(model: str, plan: Plan, root: Path | None, device: torch.device) -> dict[str, int | None]:
    """Return the peak of bytes of each implementation, None if there was not enough memory."""
    found = {}
    for name, implementation in IMPLEMENTATIONS.items():
        seeds = 1 if name == "baseline" else plan.seeds
        setup = Setup(implementation, model, device, seeds, patience=plan.patience)
        where = (plan.dataset, root, plan.graphs or MEMORY_GRAPHS)
        points, _ = measure(curves.peak_memory, setup, *where, timeout=20 * plan.patience)
        found[name] = points[0]["bytes"] if points else None
    return found


def measure_growth(
    plan: Plan, root: Path | None, device: torch.device, say: Callable[[str], None]
) -> dict[str, list[dict[str, Any]]]:
    """Return the curves over "seeds", "nodes" and "graphs".

    A curve has the keys ``model``, ``implementation``, ``seeds`` (None where the curve is over seeds), ``points`` and ``stopped``
    ("time" or "memory" if it ends early, else None).
    """

    def curve(axis: str, setup: Setup, *arguments: Any) -> dict[str, Any]:
        (name,) = (key for key, kind in IMPLEMENTATIONS.items() if kind is setup.implementation)
        seeds = None if axis == "seeds" else setup.seeds
        stacked = f", {seeds} seed{'s' if seeds > 1 else ''}" if seeds and name == "ours" else ""
        say(f"growth with {axis}: {setup.model}, {name}{stacked}")
        points, stopped = measure(CURVES[axis], setup, *arguments, timeout=20 * plan.patience)
        return {
            "model": setup.model, "implementation": name, "seeds": seeds, "points": points, "stopped": stopped,
        }  # fmt: skip

    def setup(implementation: type[Implementation], model: str, seeds: int = 1, batch_size: int = 0) -> Setup:
        return Setup(implementation, model, device, seeds, batch_size, plan.patience)

    found: dict[str, list[dict[str, Any]]] = {"seeds": [], "nodes": [], "graphs": []}
    for model in plan.growth_models:
        for implementation, numbers in ((Baseline, (1,)), (Ours, plan.seed_numbers)):
            where = (plan.dataset, root, plan.graphs or SEEDS_GRAPHS)
            found["seeds"].append(curve("seeds", setup(implementation, model), *where, numbers))
        for implementation, seeds in ((Baseline, 1), (Ours, 1), (Ours, plan.seeds)):
            small = setup(implementation, model, seeds, NODES_BATCH)
            found["nodes"].append(curve("nodes", small, plan.node_numbers))
    for implementation, seeds in ((Baseline, 1), (Ours, plan.seeds)):
        large = setup(implementation, GRAPHS_MODEL, seeds)
        found["graphs"].append(curve("graphs", large, plan.graph_numbers))
    return found


CURVES = {
    "seeds": curves.curve_over_seeds,
    "nodes": curves.curve_over_nodes,
    "graphs": curves.curve_over_graphs,
}
