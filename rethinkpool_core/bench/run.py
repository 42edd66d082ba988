"""The whole benchmark, as one JSON object."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from rethinkpool_core.bench.clock import clock_of
from rethinkpool_core.bench.datasets import subset
from rethinkpool_core.bench.growth import measure_growth, peaks
from rethinkpool_core.bench.plan import FORMAT, Plan
from rethinkpool_core.bench.rounds import measure_rounds, overall, summary
from rethinkpool_core.datasets.dataset import GraphDataset, load_dataset
from rethinkpool_core.datasets.spec import get_spec
from rethinkpool_core.errors import UnknownNameError, UsageError
from rethinkpool_core.reference.build import REFERENCE_MODELS
from rethinkpool_core.training.config import training_config
from rethinkpool_core.training.device import device_name, processor_name, resolve_device
from rethinkpool_core.training.provenance import commit
from rethinkpool_core.training.seeds import check_seeds


def check(plan: Plan) -> None:
    """Raise UnknownNameError or UsageError for a plan that cannot be carried out."""
    for name in plan.models:
        if name not in REFERENCE_MODELS:
            raise UnknownNameError("model", name, REFERENCE_MODELS, where="with a baseline to compare with")
    if get_spec(plan.dataset).features == "categorical":
        raise UsageError(
            f"the baseline has no first layer for molecules like those of {plan.dataset}: take another dataset"
        )
    for key in ("rounds", "threads"):
        if getattr(plan, key) < 1:
            raise UsageError(f"--{key} is {getattr(plan, key)}: give a whole number of at least 1")
    check_seeds(plan.seeds)
    resolve_device(plan.device)


def run(plan: Plan, *, root: Path | None, command: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Carry out ``plan`` and return a JSON object: machine and versions, all rounds and speed-ups per model, and the curves.

    ``say`` receives one line of progress at a time. Raises what `check` raises, DataError, and WorkerKilledError.
    """
    check(plan)
    threads = torch.get_num_threads()
    torch.set_num_threads(plan.threads)
    try:
        device = resolve_device(plan.device)
        found: dict[str, Any] = {"format": FORMAT, **environment(plan, device, command)}
        dataset = load_dataset(plan.dataset, root)
        if plan.graphs:
            dataset = subset(dataset, plan.graphs)
        found["data"] = {
            "name": dataset.name,
            "graphs": dataset.store.num_graphs,
            "max_nodes": dataset.max_nodes,
            "checksum": dataset.checksum,
        }
        found["models"] = [_model(name, plan, dataset, device, say) for name in plan.models]
        found["overall"] = overall(found["models"])
        if plan.memory:
            for entry in found["models"]:
                say(f"{entry['model']}: memory")
                entry["memory"] = peaks(entry["model"], plan, root, device)
        if plan.growth:
            found["growth"] = measure_growth(plan, root, device, say)
        return found
    finally:
        torch.set_num_threads(threads)


def _model(name: str, plan: Plan, dataset: GraphDataset, device: torch.device, say) -> dict[str, Any]:
    seeds = check_seeds(plan.seeds)
    rounds = measure_rounds(name, dataset, device=device, seeds=seeds, rounds=plan.rounds, say=say)
    batch_size = training_config(name, dataset.name).batch_size
    return {"model": name, "batch_size": batch_size, **summary(rounds, clock_of(device)), "rounds": rounds}


def environment(plan: Plan, device: torch.device, command: str) -> dict[str, Any]:
    """Return where and how something is measured: command, date, commit, plan, machine and versions."""
    from importlib.metadata import version

    from rethinkpool_core.reference.matching import SOURCE

    return {
        "command": command,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": commit(),
        "clock": clock_of(device),
        "plan": {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(plan).items()
        },
        "matching": SOURCE,
        "machine": {
            "device": device_name(device) if device.type == "cuda" else device.type,
            "processor": processor_name(),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "system": f"{platform.system()} {platform.machine()}",
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS"),
        },
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "torch_geometric", "numpy")},
        },
    }
