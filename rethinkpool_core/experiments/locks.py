"""Locks on the runs of a task, so that no two calls train a run at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rethinkpool_core.errors import StorageError
from rethinkpool_core.experiments.plan import Task
from rethinkpool_core.experiments.store import ResultStore


@dataclass
class LockedRuns:
    """The runs of a task that this call holds the locks of.

    seeds      the runs to train
    finished   how many others another call has finished since the plan was made
    """

    seeds: list[int] = field(default_factory=list)
    finished: int = 0
    locks: list[Any] = field(default_factory=list)

    def release(self) -> None:
        for lock in self.locks:
            lock.release()


def lock_runs(store: ResultStore, task: Task, skipped: set[str]) -> LockedRuns | None:
    """Lock the runs of a task that are still to train; None, and nothing locked, if another call has the lock of one of them.

    skipped    keys of runs that are not to be trained

    Raises StorageError.
    """
    from filelock import Timeout

    locked = LockedRuns()
    for seed, key in task.keys().items():
        if key in skipped:
            continue
        if store.has(key, with_weights=task.keep_weights):
            locked.finished += 1
            continue
        lock = store.lock(key)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            locked.release()
            return None
        except OSError as error:
            locked.release()
            raise StorageError(
                f"cannot lock a run in {store.folder} ({error.strerror}): check its permissions and free space"
            ) from None
        if store.has(
            key, with_weights=task.keep_weights
        ):  # finished after the first look and before the lock
            lock.release()
            locked.finished += 1
        else:
            locked.locks.append(lock)
            locked.seeds.append(seed)
    return locked


def allow_many_open_files() -> None:
    """Raise this process's limit on open files: each lock is one, and on a cluster hundreds are held at once."""
    try:
        import resource
    except ImportError:  # on Windows, which has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
