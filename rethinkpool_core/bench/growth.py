"""Peaks of memory, and curves of how cost grows, each measured in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from rethinkpool_core.bench.child import run_job

if TYPE_CHECKING:
    from rethinkpool_core.bench.plan import Plan

MEMORY_GRAPHS = 800
"""Graphs for a peak of memory: the largest one and others."""
SEEDS_GRAPHS = 480
"""Graphs for the curve over seeds."""
NODES_BATCH = 8
"""Graphs a step in the curve over nodes."""
GRAPHS_MODEL = "N-MINCUTPOOL"
"""The model of the curve over graphs; an assignment that never changes is where much could be kept for each graph."""


def peaks(model: str, plan: Plan, root: Path | None, device: torch.device) -> dict[str, int | None]:
    """Bytes by side; None where the memory did not suffice."""
    found = {}
    for side in ("plain", "ours"):
        more = {"model": model, "seeds": plan.seeds, "graphs": plan.graphs or MEMORY_GRAPHS}
        job = _job(plan, root, device, job="memory", side=side, **more)
        found[side] = run_job(job, 20 * plan.patience)[0].get("bytes")
    return found


def measure_growth(
    plan: Plan, root: Path | None, device: torch.device, say: Callable[[str], None]
) -> dict[str, list[dict[str, Any]]]:
    """Curves over "seeds", "nodes" and "graphs"."""

    def curve(axis: str, model: str, side: str, seeds: int | None, **more: Any) -> dict[str, Any]:
        beside = f", {seeds} side by side" if side == "ours" and seeds else ""
        say(f"growth with {axis}: {model}, {side}{beside}")
        job = _job(plan, root, device, job=axis, side=side, model=model, seeds=seeds, **more)
        points = run_job(job, 20 * plan.patience)
        stopped = points.pop()["stopped"] if points and "stopped" in points[-1] else None
        return {"model": model, "side": side, "seeds": seeds, "points": points, "stopped": stopped}

    found: dict[str, list[dict[str, Any]]] = {"seeds": [], "nodes": [], "graphs": []}
    for model in plan.growth_models:
        for side, numbers in (("plain", (1,)), ("ours", plan.seed_numbers)):
            more = {"numbers": numbers, "graphs": plan.graphs or SEEDS_GRAPHS}
            found["seeds"].append(curve("seeds", model, side, None, **more))
        for side, seeds in (("plain", 1), ("ours", 1), ("ours", plan.seeds)):
            more = {"sizes": plan.node_numbers, "batch_size": NODES_BATCH}
            found["nodes"].append(curve("nodes", model, side, seeds, **more))
    for side, seeds in (("plain", 1), ("ours", plan.seeds)):
        found["graphs"].append(curve("graphs", GRAPHS_MODEL, side, seeds, counts=plan.graph_numbers))
    return found


def _job(plan: Plan, root: Path | None, device: torch.device, **more: Any) -> dict[str, Any]:
    shared = {
        "dataset": plan.dataset, "root": None if root is None else str(root), "device": str(device),
        "threads": plan.threads, "patience": plan.patience, "batch_size": 0,
    }  # fmt: skip
    return shared | more
