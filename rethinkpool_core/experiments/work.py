"""What a worker does with a task. It needs the package and the data, and sees no store."""

from __future__ import annotations

import gc
import shutil
import time
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from rethinkpool_core.errors import CheckpointError, RethinkPoolError
from rethinkpool_core.experiments.peak_memory import peak_bytes, reset_peak
from rethinkpool_core.experiments.plan import Task
from rethinkpool_core.files.folders import data_root
from rethinkpool_core.models.modules import import_models
from rethinkpool_core.training.record import RunRecord


@dataclass
class Answer:
    """records, in any order, of the seeds that ended; ``errors`` of the others, unless it was ``stopped``.

    notes    what the user should read, each once
    """

    records: list[RunRecord] = field(default_factory=list)
    errors: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    stopped: bool = False
    seconds: float = 0.0


def train_task(
    task: Task, seeds: tuple[int, ...], root: str | None, device: str, checkpoints: str | None
) -> Answer:
    """Train ``seeds`` of a task, from where their checkpoints are.

    checkpoints    folder for them, if this machine has it; else one of its own is used
    """
    answer, start = Answer(), time.perf_counter()
    folder = checkpoint_folder(task.name, root, checkpoints)
    begun = folder.is_dir() and any(folder.iterdir())
    reset_peak(device)
    try:
        _train(task, seeds, root, device, folder, answer)
    except KeyboardInterrupt:
        answer.stopped = True
        answer.records.clear()  # they are in their checkpoints
    answer.seconds = time.perf_counter() - start
    shares = max(1, len(answer.records))
    for record in answer.records:
        record.weights = None
        # What an interrupted training took before is known of its passes alone.
        seconds = sum(record.curves["train_seconds"]) if begun else answer.seconds / shares
        record.provenance |= {"seconds": seconds, "peak_bytes": peak_bytes(device)}
    return answer


def _train(
    task: Task, seeds: tuple[int, ...], root: str | None, device: str, folder: Path, answer: Answer
) -> None:
    """Adds to ``answer``; where all seeds together fail, they are tried one by one, so that one harms itself alone."""
    try:
        answer.records += _records(task, seeds, root, device, folder, answer.notes)
    except Exception as error:
        if len(seeds) == 1 or isinstance(error, RethinkPoolError):
            answer.errors |= dict.fromkeys(seeds, sentence(error))
            return
        for seed in seeds:
            _train(task, (seed,), root, device, folder / f"seed{seed}", answer)


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
    at_once, fresh = for_training.pop("replicas", 0), False
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
                replicas=at_once,
                **for_training,
            )
        except CheckpointError as error:
            if fresh:
                raise
            fresh = True
            notes.append(f"{cell} began anew for {_named(seeds)}: {error}")
            shutil.rmtree(folder)
        except (MemoryError, RuntimeError) as error:
            at_once = (at_once or len(seeds)) // 2
            if not out_of_memory(error) or not at_once:
                raise
            notes.append(
                f"{cell} needs more memory than there is for so many seeds at once: going on with {at_once} at a time"
            )
        gc.collect()
        _empty_cache()


def out_of_memory(error: BaseException) -> bool:
    """Of a GPU, which torch has an exception for, or of the machine, which it tells in a RuntimeError."""
    import torch

    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate memory" in str(error)


def _empty_cache() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@lru_cache(maxsize=1)
def _dataset(name: str, root: str | None):
    """The last one stays, since a worker's tasks are often of one dataset."""
    from rethinkpool_core import load_dataset

    return load_dataset(name, root)


def checkpoint_folder(task: str, root: str | None, checkpoints: str | None) -> Path:
    """In the store, where this machine sees it; else in its data folder, where a task that comes back here finds it."""
    if checkpoints is not None and Path(checkpoints).is_dir():
        return Path(checkpoints) / task
    return data_root(root) / "checkpoints" / task


def remove_checkpoints(task: str, root: str | None, checkpoints: str | None) -> None:
    """Called once all records of a task are in the store."""
    shutil.rmtree(checkpoint_folder(task, root, checkpoints), ignore_errors=True)


async def remove_worker_checkpoints(task: str, root: str | None, checkpoints: str | None) -> None:
    """`remove_checkpoints` on a worker; a coroutine, since Dask runs nothing else there without waiting for it."""
    remove_checkpoints(task, root, checkpoints)


def stop_training(stop: bool = True) -> None:
    """Make the trainings of this process save their checkpoints and stop; with ``stop=False`` allow new ones."""
    from rethinkpool_core.training.interrupt import stop_event

    stop_event.set() if stop else stop_event.clear()


def _named(seeds: tuple[int, ...]) -> str:
    return f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {', '.join(map(str, seeds))}"


def sentence(error: BaseException) -> str:
    """One line about an error, our own in its words."""
    text = " ".join(str(error).split())[:500]
    return text if isinstance(error, RethinkPoolError) else f"{type(error).__name__}: {text}"


def failed_record(task: Task, seed: int, error: str) -> RunRecord:
    """Of a run that ended before it had a record."""
    spec = task.cell.spec
    return RunRecord(task.cell.model, spec.name, seed, spec.metric, config=task.cell.config, error=error)
