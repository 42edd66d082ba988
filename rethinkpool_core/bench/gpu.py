"""Checks and measurements on a GPU, for a machine that has only torch, PyG and this source tree.

    python -m rethinkpool_core.bench.gpu pack DIR NCI1 IMDB-B    on a machine with the data: write them as tensors to DIR
    python -m rethinkpool_core.bench.gpu run DIR --data DIR      on the GPU: equality checks, speed-ups, a grid until time is up

Each part is written as soon as it is done: DIR/gpu.json has the checks and measurements, DIR/records.jsonl one run per line. A
part that fails is recorded with its error and the rest continues; the exit code is then 1.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from rethinkpool_core.bench.implementations import updates_of
from rethinkpool_core.bench.plan import Plan
from rethinkpool_core.bench.rounds import measure_rounds, overall, summary
from rethinkpool_core.bench.run import environment
from rethinkpool_core.datasets.dataset import GraphDataset, load_dataset
from rethinkpool_core.datasets.spec import get_spec
from rethinkpool_core.datasets.storage.store import GraphStore
from rethinkpool_core.errors import DataError, RethinkPoolError, UsageError
from rethinkpool_core.files.atomic import replace_file
from rethinkpool_core.models.build import build_model
from rethinkpool_core.training.config import training_config
from rethinkpool_core.training.device import resolve_device
from rethinkpool_core.training.epoch import shuffled
from rethinkpool_core.training.setup import TrainingSetup
from rethinkpool_core.training.trainer import train

CHECKED = ("GRACLUS", "COMPLEMENT", "DIFFPOOL-V2", "N-DIFFPOOL-V2", "MINCUTPOOL", "N-MINCUTPOOL", "GMN")
TABLE_S5 = ("N-MINCUTPOOL", "N-DIFFPOOL-V2", "MINCUTPOOL", "DIFFPOOL-V2")
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
        self.folder, self.start, self.failed = folder, time.perf_counter(), False
        self.found: dict[str, Any] = environment(Plan(), device, " ".join(sys.argv))
        self.write()

    def part(self, name: str, make: Callable[[], Any]) -> None:
        start = time.perf_counter()
        try:
            value = make()
        except (RethinkPoolError, RuntimeError, AssertionError) as error:
            self.failed, value = True, {"error": " ".join(str(error).split())[:500]}
        self.found[name] = {"seconds": time.perf_counter() - start, "found": value}
        print(f"{name}: {json.dumps(value)[:300]}", flush=True)
        self.write()

    def write(self) -> None:
        replace_file(self.folder / "gpu.json", (json.dumps(self.found, indent=1) + "\n").encode())

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.start


def losses_of_steps(name: str, dataset, device: torch.device, seeds: list[int], steps: int) -> torch.Tensor:
    """Return all losses of the first training steps, (R, steps, losses) in float64; on a GPU, of recorded steps."""
    model = build_model(name, dataset).double()
    config = training_config(name, dataset.name, cuda_graphs=True)
    setup = TrainingSetup(model, dataset, config, device)
    replicas = setup.replicas(seeds)
    order = torch.stack([shuffled(setup.split(seed).train, seed, 1) for seed in seeds])
    order = order.repeat(1, -(-steps * config.batch_size // order.shape[1]))[:, : steps * config.batch_size]
    rates = torch.full((len(seeds),), config.learning_rate, dtype=torch.float64, device=device)
    found = []
    batches = setup.builder.batches(
        order, config.batch_size, rng_key=1, coarsening=setup.coarsening(replicas), shapes=setup.shapes
    )
    for batch in batches:
        losses = []
        for update in updates_of(model):
            of_step, gradient = replicas.step(batch, dataset.spec.loss, update)
            losses += [
                loss.clone() for loss in of_step.values()
            ]  # a step's results are good until the next one
            if not update.full_batch:
                replicas.groups[update.group].adam.step(gradient, rates, config.clip_norm)
        found.append(torch.stack(losses, -1))
    return torch.stack(found, 1).cpu()


def equality(name: str, dataset, device: torch.device, seeds: int, steps: int) -> dict[str, float]:
    """Return the largest relative differences of losses: stacked seeds and one seed, the device and the CPU (first steps)."""
    together = losses_of_steps(name, dataset, device, list(range(1, seeds + 1)), steps)
    alone = losses_of_steps(name, dataset, device, [1], steps)
    on_cpu = losses_of_steps(name, dataset, torch.device("cpu"), [1], min(steps, 5))

    def apart(a: torch.Tensor, b: torch.Tensor) -> float:
        return float(((a - b).abs() / b.abs().clamp(min=1.0)).max())

    found = {"alone": apart(together[:1], alone), "cpu": apart(alone[:, : on_cpu.shape[1]], on_cpu)}
    assert max(found.values()) < 1e-6, f"{name}: losses differ by {found}"
    return found


def measure_speedup(name: str, dataset, device: torch.device, seeds: int, rounds: int) -> dict[str, Any]:
    """Return the speed-up over the baseline on the same device, per epoch and seed."""
    rows = measure_rounds(
        name,
        dataset,
        device=device,
        seeds=range(1, seeds + 1),
        rounds=rounds,
        say=lambda text: print(text, flush=True),
    )
    return summary(rows, "wall") | {"model": name, "rounds": rows, "seeds": seeds}


def switches(name: str, dataset, device: torch.device, seeds: int, epochs: int) -> dict[str, Any]:
    """Return seconds of the last epoch per seed, and test scores: by default, with TF32, and with CUDA graphs."""
    found = {}
    for key, overrides in (("default", {}), ("tf32", {"tf32": True}), ("cuda graphs", {"cuda_graphs": True})):
        records = train(
            build_model(name, dataset),
            dataset,
            seeds,
            max_epochs=epochs,
            device=str(device),
            progress=False,
            **overrides,
        )
        seconds = [record.curves["train_seconds"][-1] for record in records]
        scores = [record.test_score for record in records]
        found[key] = {"seconds": sum(seconds) / seeds, "test_scores": scores}
    return found


def grid(
    report: Report, cells: list[tuple[str, str]], data: Path, device: torch.device, options
) -> dict[str, Any]:
    """Train the cells by the full protocol, all seeds at once, until time is up; a cell that is cut off is not written."""
    done, path = [], report.folder / "records.jsonl"
    lines = path.read_text().splitlines() if path.is_file() else []
    for model, name in cells:
        left = options.minutes * 60 - report.seconds
        if left < 5:
            break
        dataset = unpacked(data, name)
        # Training stops after the step under way, as it does on Ctrl-C.
        timer = threading.Timer(left, lambda: os.kill(os.getpid(), signal.SIGINT))
        timer.start()
        start = time.perf_counter()
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        try:
            records = train(
                build_model(model, dataset), dataset, options.seeds, max_epochs=options.max_epochs,
                device=str(device), progress=False,
            )  # fmt: skip
        except KeyboardInterrupt:
            print(f"{model} on {name}: time is up, not finished", flush=True)
            break
        finally:
            timer.cancel()
        lines += [record.to_json() for record in records]
        replace_file(path, ("\n".join(lines) + "\n").encode())
        done.append({"model": model, "dataset": name, "seconds": time.perf_counter() - start})
        if device.type == "cuda":
            done[-1]["peak_bytes"] = torch.cuda.max_memory_allocated(device)
        print(f"{model} on {name}: {done[-1]['seconds']:.1f} s for {len(records)} seeds", flush=True)
    return {"cells": done, "left_out": [list(cell) for cell in cells[len(done) :]]}


def run(options) -> int:
    device = resolve_device(options.device)
    if device.type != "cuda" and options.device == "auto":
        raise UsageError(
            "torch sees no CUDA device here: run this on a machine with a GPU, or give --device cpu"
        )
    report = Report(options.out, device)
    dataset = unpacked(options.data, options.datasets[0])
    for name in CHECKED:
        report.part(
            f"equality of {name}",
            lambda: equality(name, dataset, device, options.seeds, options.steps),  # noqa: B023
        )
    speedups: list[dict[str, Any]] = []
    for name in (*TABLE_S5, "GRACLUS", "COMPLEMENT", "GMN"):
        if report.seconds > options.minutes * 60 / 2:
            break
        report.part(
            f"speed-up of {name}",
            lambda: (
                speedups.append(measure_speedup(name, dataset, device, options.seeds, options.rounds))  # noqa: B023
                or speedups[-1]
            ),
        )
    report.part("geometric mean", lambda: overall(speedups))
    report.part("switches", lambda: switches("MINCUTPOOL", dataset, device, options.seeds, options.epochs))
    cells = [(model, name) for name in options.datasets for model in TABLE_S5]
    report.part("grid", lambda: grid(report, cells, options.data, device, options))
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
    running.add_argument("--datasets", nargs="+", default=["NCI1", "IMDB-B", "PROTEINS"])
    running.add_argument("--device", default="auto")
    running.add_argument("--seeds", type=int, default=20)
    running.add_argument("--minutes", type=float, default=10.0)
    running.add_argument("--steps", type=int, default=50, help="training steps of the equality checks")
    running.add_argument("--rounds", type=int, default=3)
    running.add_argument("--epochs", type=int, default=5, help="epochs with each switch")
    running.add_argument("--max-epochs", type=int, default=1000)
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
