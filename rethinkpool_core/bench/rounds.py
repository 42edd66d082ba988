"""Rounds in which both implementations train for an epoch in turn, and the speed-ups that follow from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from statistics import geometric_mean, median
from typing import Any

import torch

from rethinkpool_core.bench.clock import Seconds, clock_of
from rethinkpool_core.bench.implementations import Baseline, Implementation, Ours
from rethinkpool_core.bench.worker import Worker
from rethinkpool_core.datasets.dataset import GraphDataset

SUMMARISED = ("MINCUTPOOL", "N-MINCUTPOOL", "DIFFPOOL-V2", "N-DIFFPOOL-V2")
"""The models of Table S5, whose speed-ups are also summarised in one number."""
Round = dict[str, dict[str, float]]
"""Seconds of an epoch per seed, by implementation and clock; under "matching" the baseline's seconds for matchings."""


def epochs(
    implementation: type[Implementation],
    name: str,
    dataset: GraphDataset,
    device: torch.device,
    seeds: Sequence[int] = (1,),
) -> Iterator[dict[str, Seconds]]:
    """Yield an empty dictionary after the warm-up, then `Implementation.timed_epoch` for one epoch after the other."""
    built = implementation(name, dataset, device, seeds)
    built.warm_up()
    yield {}
    while True:
        yield built.timed_epoch()


def measure_rounds(
    name: str,
    dataset: GraphDataset,
    *,
    device: torch.device,
    seeds: Sequence[int],
    rounds: int,
    say: Callable[[str], None],
) -> list[Round]:
    """Time ``rounds`` epochs of each implementation, each in a worker process of its own.

    The two take turns, and the one that goes first changes every round. Training changes how its process allocates memory
    (`training.memory`), which would otherwise affect the baseline. Raises WorkerKilledError if a process is killed.
    """
    say(f"{name}: warming up")
    found: list[Round] = []
    with (
        Worker(epochs, Baseline, name, dataset, device) as baseline,
        Worker(epochs, Ours, name, dataset, device, seeds) as ours,
    ):
        workers = {"baseline": baseline, "ours": ours}
        for worker in workers.values():
            worker.next()
        for number in range(rounds):
            order = list(workers)[:: -1 if number % 2 else 1]
            times = {key: workers[key].next() for key in order}
            seconds = {key: asdict(times[key]["epoch"]) for key in times}
            if "matching" in times["baseline"]:
                seconds["matching"] = asdict(times["baseline"]["matching"])
            found.append(seconds)
            faster = speedup(seconds, clock_of(device))
            say(f"{name}: round {number + 1} of {rounds}, {faster:.2f} times as fast")
    return found


def speedup(measured: Round, clock: str, *, without_matching: bool = False) -> float:
    """Return the baseline's time over ours; ``without_matching`` leaves the baseline's matchings out of its time."""
    baseline = measured["baseline"][clock] - (measured["matching"][clock] if without_matching else 0.0)
    return baseline / measured["ours"][clock]


def summary(rounds: list[Round], clock: str) -> dict[str, Any]:
    """Return the medians over the rounds, and the smallest and largest speed-up."""
    speedups = [speedup(measured, clock) for measured in rounds]
    found = {
        "baseline_seconds": median(measured["baseline"][clock] for measured in rounds),
        "our_seconds": median(measured["ours"][clock] for measured in rounds),
        "speedup": median(speedups),
        "min": min(speedups),
        "max": max(speedups),
    }
    if "matching" in rounds[0]:
        found["speedup_without_matching"] = median(
            speedup(measured, clock, without_matching=True) for measured in rounds
        )
    return found


def overall(models: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the geometric mean of the speed-ups of the models of `SUMMARISED`, or None if one was not measured."""
    speedups = {entry["model"]: entry["speedup"] for entry in models}
    if not set(SUMMARISED) <= set(speedups):
        return None
    return {"models": list(SUMMARISED), "speedup": geometric_mean([speedups[name] for name in SUMMARISED])}
