"""Peaks of memory, and curves of how cost grows, as generators that a `Worker` runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any

import torch

from rethinkpool_core.bench.clock import clock_of, measured
from rethinkpool_core.bench.datasets import random_graphs, subset
from rethinkpool_core.bench.implementations import Implementation
from rethinkpool_core.bench.memory import limit_memory
from rethinkpool_core.bench.worker import Worker, WorkerKilledError
from rethinkpool_core.datasets.dataset import GraphDataset, load_dataset
from rethinkpool_core.training.peak_memory import peak_bytes, reset_peak

_SHORT = 2.0  # seconds below which a measurement is repeated

Point = dict[str, Any]


@dataclass(frozen=True)
class Setup:
    """What a curve is measured with.

    implementation   `Ours` or `Baseline`
    model            its name
    seeds            stacked, 1 for the baseline
    batch_size       graphs per step, 0 for the paper's
    patience         seconds of one epoch after which a curve is not continued
    """

    implementation: type[Implementation]
    model: str
    device: torch.device
    seeds: int = 1
    batch_size: int = 0
    patience: float = 60.0

    def build(self, dataset: GraphDataset) -> Implementation:
        seeds = range(1, self.seeds + 1)
        return self.implementation(self.model, dataset, self.device, seeds, self.batch_size)

    def timed_build(self, dataset: GraphDataset) -> tuple[Implementation, float]:
        built: list[Implementation] = []
        seconds = self.seconds(lambda: built.append(self.build(dataset)))
        return built[0], seconds

    def seconds(self, work: Callable[[], object]) -> float:
        return getattr(measured(work, self.device), clock_of(self.device))

    def step_seconds(self, built: Implementation, epoch: float) -> float:
        """Return seconds per step and seed, from an epoch that took ``epoch`` seconds, or from three more if it was short."""
        if epoch <= _SHORT:
            epoch = median(self.seconds(built.train) for _ in range(3))
        return epoch / built.steps / len(built.seeds)


def measure(
    curve: Callable[..., Iterator[Point]], setup: Setup, *arguments: Any, timeout: float
) -> tuple[list[Point], str | None]:
    """Run ``curve(setup, *arguments)`` in a worker process, on a CPU in limited memory.

    Returns its points, and "time" or "memory" if that ended the curve early, else None. Raises what the curve raised.
    """
    points: list[Point] = []
    end = monotonic() + timeout
    with Worker(_limited, curve, setup, *arguments) as worker:
        while True:
            try:
                points.append(worker.next(timeout=max(0.0, end - monotonic())))
            except StopIteration:
                return points, None
            except TimeoutError:
                return points, "time"
            except (MemoryError, WorkerKilledError):
                return points, "memory"


def _limited(curve: Callable[..., Iterator[Point]], setup: Setup, *arguments: Any) -> Iterator[Point]:
    if setup.device.type == "cpu":
        limit_memory()
    try:
        # Memory that libraries take on first use is not part of the measurement.
        replace(setup, seeds=1).build(random_graphs(20, 10, 20)).warm_up()
        yield from curve(setup, *arguments)
    except RuntimeError as error:  # torch's "not enough memory" has no class of its own on a CPU
        if "memory" not in str(error):
            raise
        raise MemoryError(str(error)) from error


def peak_memory(setup: Setup, dataset: str, root: Path | None, graphs: int) -> Iterator[Point]:
    """Yield the peak of bytes of an epoch and its validation, on ``graphs`` graphs of a dataset."""
    before = reset_peak(setup.device)
    part = subset(load_dataset(dataset, root), graphs)
    reset_peak(setup.device)
    setup.build(part).warm_up()
    yield {"bytes": peak_bytes(setup.device) - before}


def curve_over_seeds(
    setup: Setup, dataset: str, root: Path | None, graphs: int, numbers: Sequence[int]
) -> Iterator[Point]:
    """Yield seconds per step and seed, and bytes, for each number of stacked seeds.

    Raises TimeoutError before an epoch that would take longer than the setup's patience.
    """
    before, spent, last = reset_peak(setup.device), 0.0, 1
    part = subset(load_dataset(dataset, root), graphs)
    for number in numbers:
        if spent * number / last > setup.patience:
            raise TimeoutError
        reset_peak(setup.device)
        built = replace(setup, seeds=number).build(part)
        spent, last = setup.seconds(built.train), number
        seconds = setup.step_seconds(built, spent)
        yield {"seeds": number, "seconds": seconds, "bytes": peak_bytes(setup.device) - before}
        del built  # before the next one is built


def curve_over_nodes(setup: Setup, sizes: Sequence[int]) -> Iterator[Point]:
    """Yield seconds per step and seed, and bytes, for random graphs that all have ``size`` nodes.

    Raises TimeoutError before an epoch that would take longer than the setup's patience.
    """
    before, spent, last = reset_peak(setup.device), 0.0, 1
    for size in sizes:
        # In steps of eight, the training graphs of a hundred graphs take ten steps and those of ten graphs one.
        graphs = 100 if size <= 300 else 10
        if spent * graphs * (size / last) ** 3 > setup.patience:  # nothing grows faster than matrix products
            raise TimeoutError
        dataset = random_graphs(graphs, size, size)
        reset_peak(setup.device)
        built = setup.build(dataset)
        epoch = setup.seconds(built.train)
        seconds = setup.step_seconds(built, epoch)
        yield {"nodes": size, "seconds": seconds, "bytes": peak_bytes(setup.device) - before}
        spent, last = epoch / graphs, size
        del built


def curve_over_graphs(setup: Setup, counts: Sequence[int]) -> Iterator[Point]:
    """Yield seconds to get ready, per seed of the first and of the second epoch, and bytes, for each number of graphs."""
    before = reset_peak(setup.device)
    for count in counts:
        dataset = random_graphs(count, 10, 50)
        reset_peak(setup.device)
        built, ready = setup.timed_build(dataset)
        first, second = (setup.seconds(built.train) / len(built.seeds) for _ in range(2))
        yield {
            "graphs": count,
            "ready_seconds": ready,
            "first_seconds": first,
            "seconds": second,
            "bytes": peak_bytes(setup.device) - before,
        }
        del built
