"""The protocol of Appendix A.2, for one seed or for many side by side."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

from rethinkpool_core.errors import DataError, GraphTooLargeError, UsageError
from rethinkpool_core.models.base import PoolingModel, Shape
from rethinkpool_core.models.build import config_fields
from rethinkpool_core.models.registry import user_module
from rethinkpool_core.parameters.check import check_value
from rethinkpool_core.parameters.types import PositiveInt
from rethinkpool_core.training.checkpoint import CheckpointFolder, config_hash
from rethinkpool_core.training.config import run_config, training_config, training_fields
from rethinkpool_core.training.device import matmul_precision, resolve_device
from rethinkpool_core.training.epoch import Task, evaluate, train_epoch
from rethinkpool_core.training.interrupt import stop_requests
from rethinkpool_core.training.progress import Progress, show
from rethinkpool_core.training.provenance import provenance
from rethinkpool_core.training.record import RunRecord
from rethinkpool_core.training.schedule import Schedule
from rethinkpool_core.training.seeds import check_seeds
from rethinkpool_core.training.state import ReplicaGroup, TrainState, replica_groups


def train(
    model: PoolingModel,
    dataset,
    seeds: int | list[int],
    *,
    max_epochs: int = 1000,
    device: str = "auto",
    root: str | None = None,
    checkpoint_dir: str | Path | None = None,
    progress: bool = True,
    **overrides: Any,
) -> list[RunRecord]:
    """Train a fresh replica of ``model`` for each seed and return one record each, in the order of the seeds.

    A seed decides the weights, the random assignments, the order of the batches and, on TU sets and DIGITS, the split;
    ``model`` itself is not changed, and ``RunRecord.weights`` holds the best epoch's weights. Beside other seeds a seed sees
    the same batches, weights and draws as alone; what differs is how float32 sums round, which training amplifies.

    seeds           their list, or a number n for 1 to n
    device          auto, cpu, cuda, cuda:i or mps
    root            not used: the data are in ``dataset``; accepted so that calls of the whole API take it
    checkpoint_dir  folder for one file of the seeds that train side by side, from which a repeated call goes on (on
                    a CPU, for the same seeds, to the bit); finished seeds are not trained again
    overrides       fields of `TrainingConfig`

    Raises UnknownNameError or UsageError for wrong parameters, DataError for an empty split, DeviceError, CheckpointError for a
    checkpoint of another configuration, StorageError; KeyboardInterrupt on Ctrl-C, after a checkpoint. A replica whose loss is
    not finite ends with ``error`` in its record, and the others go on.
    """
    del root
    seeds = check_seeds(seeds)
    check_value("max_epochs", max_epochs, PositiveInt)
    for key in overrides:
        if key in config_fields(model.name) and key not in training_fields():
            raise UsageError(f"{key!r} is a parameter of the model {model.name}: give it to build_model")
    config = training_config(model.name, dataset.name, **overrides)
    _check_fit(model, dataset)
    where = resolve_device(device)
    folder = None if checkpoint_dir is None else Path(checkpoint_dir)
    run = _Run(Task(model, dataset, config, where), max_epochs, folder)
    with stop_requests() as stopped, matmul_precision(config.tf32):
        over, going = run.find_checkpoints(seeds)
        records = {seed: run.record(seed, state) for seed, state in over.items()}
        for group in going:
            n = len(group.seeds)
            title = f"{model.name} on {dataset.name}, {f'seed {group.seeds[0]}' if n == 1 else f'{n} seeds'}"
            with show(title, progress) as line:
                records |= run.train(group, line, stopped)
    return [records[seed] for seed in seeds]


def _check_fit(model: PoolingModel, dataset) -> None:
    """The model was built for graphs like these, and there are some in each part of the split."""
    for part in ("train", "val", "test"):
        if not len(getattr(dataset, part)):
            raise DataError(
                f"{dataset.name} has no graph in its {part} split: use a larger dataset or another split"
            )
    shape = Shape.of(dataset)
    if (shape.in_dim, shape.out_dim, shape.molecules) != (
        model.shape.in_dim,
        model.shape.out_dim,
        model.shape.molecules,
    ):
        raise UsageError(
            f"{model.name} was built for other features or classes than those of {dataset.name}: build it from this dataset"
        )
    if model.has_max_nodes and shape.max_nodes > model.shape.max_nodes:
        raise GraphTooLargeError(
            f"{dataset.name} has a graph of {shape.max_nodes} nodes and {model.name} was built for at most "
            f"{model.shape.max_nodes}: build it from this dataset"
        )


class _Run:
    """One call of `train`."""

    def __init__(self, task: Task, max_epochs: int, folder: Path | None):
        self.task, self.max_epochs = task, max_epochs
        model, dataset = task.model, task.dataset
        self.config = run_config(model.config, task.config, max_epochs) | {"max_nodes": model.shape.max_nodes}
        data = {"dataset": dataset.name, "checksum": dataset.checksum, "dtype": str(task.builder.dtype)}
        digest = config_hash({"name": model.name} | data | self.config)
        self.files = folder and CheckpointFolder(folder, model.name, dataset.name, digest)
        self.provenance = provenance(dataset, task.device)
        if (module := user_module(model.name)) is not None:
            self.provenance["module"] = module

    def find_checkpoints(self, seeds: list[int]) -> tuple[dict[int, TrainState], list[ReplicaGroup]]:
        """As `replica_groups`, once their checkpoints can be written (StorageError)."""
        at_once = self.task.side_by_side(len(seeds))
        over, made = replica_groups(seeds, at_once, self.files, self.task.config, self.max_epochs)
        if self.files is not None:
            self.files.prepare({group.path for group in made} | self.files.files(seeds).keys())
        return over, made

    def train(self, group: ReplicaGroup, line: Progress, stopped: Callable[[], bool]) -> dict[int, RunRecord]:
        """Records of a group, trained from wherever it is."""
        seeds, path = group.seeds, group.path
        replicas = self.task.replicas(seeds, started=len(seeds) + len(group.ended), stopped=stopped)
        if group.found:
            states = group.resume(replicas)
        else:
            # Beside other seeds float32 sums round otherwise: to repeat a number to the bit, train these together.
            provenance = self.provenance | {"side_by_side": list(seeds)}
            states = {
                seed: TrainState(Schedule(self.task.config.learning_rate), provenance=provenance)
                for seed in seeds
            }
        records: dict[int, RunRecord] = {}
        while len(replicas):
            if not train_epoch(self.task, replicas, states, stopped):
                group.save(path, replicas, states)
                raise KeyboardInterrupt
            evaluate(self.task, replicas, states)
            line.epoch(
                states[replicas.seeds[0]].epoch,
                summary(self.task.dataset.spec.metric, [states[seed] for seed in replicas.seeds]),
            )
            over, going, stop = [], [], stopped()
            for row, seed in enumerate(replicas.seeds):
                done = states[seed].is_finished(self.task.config, self.max_epochs)
                (over if done else going).append(row)
                if done:
                    records[seed] = self.record(seed, states[seed])
            if over or stop or states[replicas.seeds[0]].epoch % self.task.config.checkpoint_every == 0:
                group.save(path, replicas, states)
            if over:
                group.end(replicas, over, states)
                replicas.keep(going)
            if stop and going:
                raise KeyboardInterrupt
        return records

    def record(self, seed: int, state: TrainState) -> RunRecord:
        return RunRecord(
            model=self.task.model.name,
            dataset=self.task.dataset.name,
            seed=seed,
            metric=self.task.dataset.spec.metric,
            val_score=state.val_score,
            test_score=state.test_score,
            best_epoch=state.schedule.best_epoch,
            epochs=state.epoch,
            curves=state.curves,
            config=deepcopy(self.config),
            provenance=deepcopy(state.provenance),
            error=state.error,
            weights=state.best,
        )


def summary(metric: str, states: list[TrainState]) -> str:
    """One line about an epoch of all replicas: means."""
    mean = {
        name: sum(state.curves[name][-1] for state in states) / len(states)
        for name in ("train_loss", "val_score", "lr", "train_seconds")
    }
    best = [state.val_score for state in states if state.val_score is not None]
    return (
        f"train loss {mean['train_loss']:.4f}, {metric} {mean['val_score']:.4f} (best {sum(best) / max(len(best), 1):.4f}), "
        f"rate {mean['lr']:.1e}, {mean['train_seconds']:.2f} s"
    )
