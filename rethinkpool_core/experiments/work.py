"""What a worker does with a task. It needs the package and the data, and does not see the store."""

from __future__ import annotations

import gc
import shutil
import time
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from rethinkpool_core.errors import CheckpointError, RethinkPoolError
from rethinkpool_core.experiments.plan import Task
from rethinkpool_core.files.folders import data_root
from rethinkpool_core.models.modules import import_models
from rethinkpool_core.training.interrupt import stop_when
from rethinkpool_core.training.peak_memory import peak_bytes, reset_peak
from rethinkpool_core.training.record import RunRecord

_stopped_calls: set[str] = set()
"""Calls of `run_grid` that want their trainings in this process to stop."""


@dataclass
class TaskResult:
    """What comes back from a worker.

    records    of the seeds that were trained to their end, in any order
    errors     sentence for each other seed, unless the task was stopped
    notes      what the user should know
    stopped    whether a stop was asked for; the seeds are in their checkpoints then
    seconds    that the task took
    """

    records: list[RunRecord] = field(default_factory=list)
    errors: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    stopped: bool = False
    seconds: float = 0.0


def train_task(
    task: Task, seeds: tuple[int, ...], root: str | None, device: str, checkpoints: str | None, call: str
) -> TaskResult:
    """Train ``seeds`` of a task, from their checkpoints where there are any.

    checkpoints    folder for checkpoints; where this machine does not see it, one in the data folder is used
    call           of `run_grid`, for `stop_trainings`
    """
    from rethinkpool_core.training import resolve_device

    result, start, place = TaskResult(), time.perf_counter(), resolve_device(device)
    folder = checkpoint_folder(task.name, root, checkpoints)
    resumed = folder.is_dir() and any(folder.iterdir())
    reset_peak(place)
    try:
        with stop_when(lambda: call in _stopped_calls):
            _train(task, seeds, root, device, folder, result)
    except KeyboardInterrupt:
        result.stopped = True
        result.records.clear()  # they are in their checkpoints
    result.seconds = time.perf_counter() - start
    side_by_side = max(1, len(result.records))
    for record in result.records:
        if not task.keep_weights:
            record.weights = None
        # Of the part before an interruption only the training passes were timed.
        seconds = sum(record.curves["train_seconds"]) if resumed else result.seconds / side_by_side
        record.provenance |= {"seconds": seconds, "peak_bytes": peak_bytes(place)}
    return result


def _train(
    task: Task, seeds: tuple[int, ...], root: str | None, device: str, folder: Path, result: TaskResult
) -> None:
    """Add to ``result``. Where all seeds together fail they are tried one by one, so that a seed that fails harms no other."""
    try:
        result.records += _records(task, seeds, root, device, folder, result.notes)
    except Exception as error:
        if len(seeds) == 1 or isinstance(error, RethinkPoolError):
            result.errors |= dict.fromkeys(seeds, describe_error(error))
            return
        for seed in seeds:
            _train(task, (seed,), root, device, folder / f"seed{seed}", result)


def _records(
    task: Task, seeds: tuple[int, ...], root: str | None, device: str, folder: Path, notes: list[str]
) -> list[RunRecord]:
    from rethinkpool_core import build_model, train

    if task.module is not None:
        import_models([task.module])
    cell = task.cell
    for_model, for_training = cell.split_parameters
    dataset = _dataset(cell.dataset, root)
    model = build_model(cell.model, dataset, **for_model)
    replicas, restarted = for_training.get("replicas", 0), False
    while True:
        try:
            return train(
                model,
                dataset,
                list(seeds),
                max_epochs=cell.max_epochs,
                device=device,
                checkpoint_dir=folder,
                progress=False,
                **for_training | {"replicas": replicas},
            )
        except CheckpointError as error:
            if restarted:
                raise
            restarted = True
            notes.append(f"{cell} started again from the beginning for {_seeds(seeds)}: {error}")
            shutil.rmtree(folder)
        except (MemoryError, RuntimeError) as error:
            replicas = min(replicas or len(seeds), len(seeds)) // 2
            if not out_of_memory(error) or not replicas:
                raise
            notes.append(
                f"{cell} needs more memory than there is for so many seeds at once: training {replicas} at a time"
            )
        gc.collect()
        _empty_cache()


def out_of_memory(error: BaseException) -> bool:
    """Whether the GPU's or the machine's memory was too small; torch reports the latter as a RuntimeError."""
    import torch

    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate memory" in str(error)


def _empty_cache() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@lru_cache(maxsize=1)
def _dataset(name: str, root: str | None):
    """The dataset of the task before is kept, since tasks of one dataset often follow each other."""
    from rethinkpool_core import load_dataset

    return load_dataset(name, root)


def checkpoint_folder(task: str, root: str | None, checkpoints: str | None) -> Path:
    """In the store where this machine sees it; else in its data folder, where the task is resumed if it comes back here."""
    if checkpoints is not None and Path(checkpoints).is_dir():
        return Path(checkpoints) / task
    return data_root(root) / "checkpoints" / task


def remove_checkpoints(task: str, root: str | None, checkpoints: str | None) -> None:
    """Remove a task's checkpoints, once all its records are in the store."""
    shutil.rmtree(checkpoint_folder(task, root, checkpoints), ignore_errors=True)


async def remove_worker_checkpoints(task: str, root: str | None, checkpoints: str | None) -> None:
    """`remove_checkpoints` on a worker; a coroutine, since Dask runs nothing else there without waiting for it."""
    remove_checkpoints(task, root, checkpoints)


def stop_trainings(call: str) -> None:
    """Make the trainings of a call of `run_grid` in this process save their checkpoints and stop; others continue."""
    _stopped_calls.add(call)


def _seeds(seeds: tuple[int, ...]) -> str:
    return f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {', '.join(map(str, seeds))}"


def describe_error(error: BaseException) -> str:
    """An error in one line: the package's own as it reads, others with their type."""
    text = " ".join(str(error).split())[:500]
    return text if isinstance(error, RethinkPoolError) else f"{type(error).__name__}: {text}"


def failed_record(task: Task, seed: int, error: str) -> RunRecord:
    """The record of a run that ended before it had one of its own."""
    spec = task.cell.spec
    return RunRecord(task.cell.model, spec.name, seed, spec.metric, config=task.cell.config, error=error)
