"""Checks and measurements on a GPU, for a machine that has only torch, PyG and this source tree.

    python -m rethinkpool_core.bench.gpu pack DIR NCI1 DIGITS    on a machine with the data: write them as tensors to DIR
    python -m rethinkpool_core.bench.gpu run DIR --data DIR      on the GPU: equality with the CPU, and speed-ups

Each part is written to DIR/how-fast-gpu.json as soon as it is done. A part that fails is recorded with its error and the rest
continues; the exit code is then 1. Grids need no script of their own: ``rethinkpool grid`` takes the GPUs of its machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch

from rethinkpool_core.bench.datasets import subset
from rethinkpool_core.bench.implementations import Baseline, Implementation, Ours, updates_of
from rethinkpool_core.bench.plan import Plan
from rethinkpool_core.bench.run import environment
from rethinkpool_core.datasets.dataset import GraphDataset, load_dataset
from rethinkpool_core.datasets.spec import get_spec
from rethinkpool_core.datasets.storage.store import GraphStore
from rethinkpool_core.errors import DataError, RethinkPoolError, UsageError
from rethinkpool_core.files.atomic import replace_file
from rethinkpool_core.models.build import build_model
from rethinkpool_core.models.names import MODELS
from rethinkpool_core.reference.build import REFERENCE_MODELS
from rethinkpool_core.training.config import training_config
from rethinkpool_core.training.device import matmul_precision, resolve_device
from rethinkpool_core.training.epoch import shuffled
from rethinkpool_core.training.setup import TrainingSetup

SPLIT = ("train", "val", "test")


def pack(folder: Path, names: list[str]) -> None:
    """Write datasets to files that torch alone can read."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        dataset = load_dataset(name)
        tensors = dataset.store.tensors() | {f"split.{part}": getattr(dataset, part) for part in SPLIT}
        facts = {key: getattr(dataset, key) for key in ("num_features", "num_classes", "checksum")}
        torch.save({"tensors": tensors, "facts": facts}, folder / f"{dataset.name}.pt")
        print(f"{dataset.name}: {folder / f'{dataset.name}.pt'}")


def unpacked(folder: Path, name: str) -> GraphDataset:
    """Return a dataset that `pack` wrote to ``folder`` (raises DataError if it is missing)."""
    path = folder / f"{name}.pt"
    if not path.is_file():
        raise DataError(
            f"{path} is not there: write it with `python -m rethinkpool_core.bench.gpu pack {folder} {name}`"
        )
    found = torch.load(path, weights_only=True)
    split = {part: found["tensors"].pop(f"split.{part}") for part in SPLIT}
    store = GraphStore.from_tensors(found["tensors"])
    return GraphDataset(name, get_spec(name), store, **split, split_seed=0, **found["facts"])


class Report:
    """The results so far, in a file that is complete at any time."""

    def __init__(self, folder: Path, device: torch.device):
        folder.mkdir(parents=True, exist_ok=True)
        self.path, self.start, self.failed = folder / "how-fast-gpu.json", time.perf_counter(), False
        self.found: dict[str, Any] = environment(Plan(), device, "python -m rethinkpool_core.bench.gpu run")
        del self.found["plan"]  # of another benchmark
        self.write()

    def part(self, name: str, make: Callable[[], dict[str, Any]], **about: Any) -> None:
        """Append what ``make`` returns, or the error that it raises, to the list ``name``."""
        try:
            found = about | make()
        except (RethinkPoolError, RuntimeError, AssertionError) as error:
            self.failed, found = True, about | {"error": " ".join(str(error).split())[:500]}
        self.found.setdefault(name, []).append(found)
        print(f"{self.seconds:.0f} s: {name}: {json.dumps(found)[:400]}", flush=True)
        self.write()

    def write(self) -> None:
        replace_file(self.path, (json.dumps(self.found, indent=1) + "\n").encode())

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.start


def losses_of_steps(
    name: str,
    dataset: GraphDataset,
    device: torch.device,
    *,
    seeds: Sequence[int],
    steps: int,
    dtype: torch.dtype,
    cuda_graphs: bool,
) -> torch.Tensor:
    """Return all losses of the first training steps, (steps, R, losses) in float64."""
    model = build_model(name, dataset).to(dtype)
    config = training_config(name, dataset.name, cuda_graphs=cuda_graphs, batch_size=16)
    setup = TrainingSetup(model, dataset, config, device)
    replicas = setup.replicas(list(seeds))
    order = torch.stack([shuffled(setup.split(seed).train, seed, 1) for seed in seeds])
    order = order[:, : steps * config.batch_size]
    rates = torch.full((len(seeds),), config.learning_rate, dtype=dtype, device=device)
    found = []
    for batch in setup.builder.batches(
        order, config.batch_size, rng_key=1, coarsening=setup.coarsening(replicas), shapes=setup.shapes
    ):
        losses: list[torch.Tensor] = []
        for update in updates_of(model):
            of_step, gradient = replicas.step(batch, dataset.spec.loss, update)
            losses += [loss.double().cpu() for loss in of_step.values()]  # valid until the next step
            if not update.full_batch:
                replicas.groups[update.group].adam.step(gradient, rates, config.clip_norm)
        found.append(torch.stack(losses, -1))
    return torch.stack(found)


def equality(
    name: str, dataset: GraphDataset, device: torch.device, dtype: torch.dtype, steps: int
) -> dict[str, Any]:
    """Compare the losses of the first steps of two seeds with those on the CPU, with and without CUDA graphs.

    Returns the largest difference, relative to a loss of at least 1, of the first step and of all steps.
    """

    def losses(device: torch.device, cuda_graphs: bool) -> torch.Tensor:
        return losses_of_steps(
            name, dataset, device, seeds=[1, 2], steps=steps, dtype=dtype, cuda_graphs=cuda_graphs
        )

    expected = losses(torch.device("cpu"), False)
    found: dict[str, Any] = {}
    for key, cuda_graphs in (("eager", False), ("recorded", True)):
        apart = (losses(device, cuda_graphs) - expected).abs() / expected.abs().clamp(min=1.0)
        found[key] = {"first": float(apart[0].max()), "all": float(apart.max())}
        bound = 1e-6 if dtype == torch.float64 else 1e-4
        assert found[key]["first"] < bound, f"{name} on {dataset.name}: losses differ by {found}"
    return found


def measure_speedups(
    name: str, dataset: GraphDataset, device: torch.device, seed_numbers: Sequence[int], rounds: int
) -> dict[str, Any]:
    """Return seconds of an epoch per seed, of the baseline with one seed and of this package with several, by their number."""

    def seconds(implementation: Implementation) -> list[float]:
        for _ in range(2):  # the first steps of each shape are recorded
            implementation.warm_up()
        return [implementation.timed_epoch()["epoch"].wall for _ in range(rounds)]

    baseline = Baseline(name, dataset, device)
    baseline.warm_up()
    of_baseline = [baseline.timed_epoch()["epoch"].wall for _ in range(rounds)]
    found: dict[str, Any] = {
        "graphs": dataset.store.num_graphs,
        "batch_size": baseline.config.batch_size,
        "steps": baseline.steps,
        "baseline_rounds": of_baseline,
        "baseline_seconds": median(of_baseline),
        "ours": [],
    }
    for number in seed_numbers:
        if device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(device)
        of_ours = seconds(Ours(name, dataset, device, range(1, number + 1)))
        found["ours"].append(
            {
                "seeds": number,
                "rounds": of_ours,
                "seconds": median(of_ours),
                "speedup": median(of_baseline) / median(of_ours),
                "peak_bytes": torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
            }
        )
    return found


def run(options) -> int:
    device = resolve_device(options.device)
    if device.type != "cuda" and options.device == "auto":
        raise UsageError(
            "torch sees no CUDA device here: run this on a machine with a GPU, or give --device cpu"
        )
    report = Report(options.out, device)
    datasets = {name: unpacked(options.data, name) for name in options.datasets}

    def in_time() -> bool:
        return report.seconds < 60 * options.minutes

    def chosen(models: Sequence[str], part: str) -> list[str]:
        wanted = options.models or models
        return [model for model in models if part in options.parts and model in wanted]

    def speedups(model: str, dataset: GraphDataset, numbers: Sequence[int]) -> dict[str, Any]:
        with matmul_precision(options.tf32):
            return measure_speedups(model, subset(dataset, options.graphs), device, numbers, options.rounds)

    for name, dataset in datasets.items():
        numbers = options.seeds if name == options.datasets[0] else options.seeds_elsewhere
        for model in chosen(REFERENCE_MODELS, "speed"):
            if in_time():
                report.part(
                    "tf32" if options.tf32 else "speed",
                    lambda: speedups(model, dataset, numbers),  # noqa: B023
                    model=model,
                    dataset=name,
                )
    for name, dataset in datasets.items():
        for model in chosen(MODELS, "equality"):
            for dtype in ("float64", "float32"):
                if in_time():
                    report.part(
                        "equality",
                        lambda: equality(model, dataset, device, getattr(torch, dtype), options.steps),  # noqa: B023
                        model=model,
                        dataset=name,
                        dtype=dtype,
                    )
    return int(report.failed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack")
    packing.add_argument("folder", type=Path)
    packing.add_argument("names", nargs="+")
    running = commands.add_parser("run")
    running.add_argument("out", type=Path)
    running.add_argument("--data", type=Path, required=True)
    running.add_argument("--datasets", nargs="+", default=["NCI1", "DIGITS"])
    running.add_argument("--parts", nargs="+", default=["equality", "speed"])
    running.add_argument("--models", nargs="+", default=[], choices=MODELS, help="by default all")
    running.add_argument(
        "--tf32", action="store_true", help="time both implementations with matrix products in TF32"
    )
    running.add_argument("--device", default="auto")
    running.add_argument("--minutes", type=float, default=10.0, help="after which no part is begun")
    running.add_argument("--steps", type=int, default=20, help="training steps that are compared")
    running.add_argument(
        "--seeds", type=int, nargs="+", default=[1, 5, 20, 64], help="numbers of seeds, on the first set"
    )
    running.add_argument(
        "--seeds-elsewhere", type=int, nargs="+", default=[20], help="the same, on the others"
    )
    running.add_argument(
        "--graphs", type=int, default=5000, help="of each set at most, in measurements of time"
    )
    running.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    try:
        if options.command == "pack":
            pack(options.folder, options.names)
            return 0
        return run(options)
    except RethinkPoolError as error:
        print(f"gpu.py: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
