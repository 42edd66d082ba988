"""The loop of a grid: submit tasks to free workers, collect what has ended, write its runs, until no task is left."""

from __future__ import annotations

import queue
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

from rethinkpool_core.errors import RethinkPoolError, StorageError
from rethinkpool_core.experiments.engine import Engine
from rethinkpool_core.experiments.locks import LockedRuns, allow_many_open_files, lock_runs
from rethinkpool_core.experiments.plan import Plan, Task
from rethinkpool_core.experiments.progress import GridProgress
from rethinkpool_core.experiments.store import ResultStore
from rethinkpool_core.experiments.work import (
    TaskResult,
    describe_error,
    failed_record,
    remove_checkpoints,
    remove_worker_checkpoints,
    train_task,
)

POLL_SECONDS = 1.0  # between looks at runs that another call has locked
STOP_SECONDS = 60.0  # that trainings have to save a checkpoint
MAX_CLOCK_CHANGE = 10.0  # seconds by which the clock may be set back during a call


@dataclass
class Report:
    """What a call of `run_grid` did.

    trained     number of runs that it trained
    found       number of runs that were finished before
    failures    error of each failed run, by a name such as "GMN on NCI1, seed 3"
    notes       what else the user should know, such as a smaller number of seeds at once for want of memory
    """

    trained: int = 0
    found: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class GridRunner:
    """Runs the tasks of a plan; of one call of `run_grid`, only this locks runs and writes to the store."""

    def __init__(
        self,
        plan: Plan,
        store: ResultStore,
        engine: Engine,
        root: str | None,
        report: Report,
        progress: GridProgress,
    ):
        self.store, self.engine, self.root, self.report, self.progress = store, engine, root, report, progress
        self.checkpoints = str(store.checkpoints.resolve())
        self.skipped = plan.skipped
        self.waiting = deque(plan.tasks)
        self.running: dict[object, tuple[Task, LockedRuns]] = {}  # by Dask's future
        self.ended: queue.SimpleQueue = queue.SimpleQueue()  # futures
        self.clock_offset = time.time() - time.monotonic()
        self.without_workers = False  # at the last look
        allow_many_open_files()

    def run(self) -> None:
        try:
            while self.running or self.waiting:
                self._submit_tasks()
                if self.running:
                    self._collect(POLL_SECONDS)
                elif self.waiting:
                    time.sleep(POLL_SECONDS)
        except KeyboardInterrupt:
            self._stop()
            raise
        except StorageError:
            self._abandon()
            raise
        except (OSError, TimeoutError) as error:  # of the connection to the scheduler
            raise RethinkPoolError(
                f"the connection to the workers broke ({' '.join(str(error).split())[:120]}): repeat the command to resume"
            ) from None
        finally:
            for _, runs in self.running.values():
                runs.release()

    def _submit_tasks(self) -> None:
        """Give every free worker a task. Runs are locked only then: another call may have workers to spare for the others."""
        slots = self.engine.slots
        if not slots and not self.without_workers:
            self.progress.note(self.engine.no_workers_note)
        self.without_workers = not slots
        locked_elsewhere = 0
        while self.waiting and len(self.running) < slots and locked_elsewhere < len(self.waiting):
            task = self.waiting.popleft()
            runs = lock_runs(self.store, task, self.skipped)
            if runs is None:
                self.waiting.append(task)
                locked_elsewhere += 1
                continue
            if runs.finished:
                self.progress.found(task, runs.finished)
            if runs.seeds:
                self._submit(task, runs)

    def _submit(self, task: Task, runs: LockedRuns) -> None:
        future = self.engine.client.submit(
            train_task,
            task,
            tuple(runs.seeds),
            self.root,
            self.engine.device,
            self.checkpoints,
            self.engine.call,
            key=f"{task.name}-{time.monotonic_ns()}",
            pure=False,
        )
        self.running[future] = task, runs
        future.add_done_callback(self.ended.put)
        self.progress.started(runs.seeds)

    def _collect(self, seconds: float) -> None:
        """Write the runs of tasks that have ended, if one does within ``seconds``."""
        try:
            future = self.ended.get(timeout=seconds)
            while True:
                task, runs = self.running[future]
                self._write(task, runs, self._result(future, runs))
                del self.running[future]
                runs.release()
                future = self.ended.get_nowait()
        except queue.Empty:
            self._check_clock()

    def _result(self, future, runs: LockedRuns) -> TaskResult:
        from distributed import CancelledError, KilledWorker

        try:
            return future.result()
        except CancelledError as error:
            raise ConnectionError("the scheduler is gone") from error
        except KilledWorker:
            reason = "its worker died again and again, perhaps for want of memory: give fewer --workers"
        except ImportError as error:
            reason = (
                f"a worker cannot load the package ({error}): install the same version of rethinkpool there"
            )
        except Exception as error:  # of Dask; errors in training are part of the result
            reason = describe_error(error)
        return TaskResult(errors=dict.fromkeys(runs.seeds, reason))

    def _check_clock(self) -> None:
        """Dask's messages wait for a time of day: after the clock is set back they would wait as long again."""
        change = self.clock_offset - (time.time() - time.monotonic())
        if change > MAX_CLOCK_CHANGE:
            raise RethinkPoolError(
                f"this machine's clock was set back by {change:.0f} s, which stalls the workers: repeat the command to resume"
            )

    def _write(self, task: Task, runs: LockedRuns, result: TaskResult) -> None:
        failed = [failed_record(task, seed, error) for seed, error in sorted(result.errors.items())]
        records = result.records + failed
        for record in records:
            key = self.store.write(record, task.cell.digest)
            if record.error:
                self.report.failures[f"{task.cell}, seed {record.seed}"] = record.error
            else:
                self.store.drop_lock_file(key)
                self.report.trained += 1
        for note in result.notes:
            if note not in self.report.notes:
                self.report.notes.append(note)
                self.progress.note(note)
        self.progress.ended(task, runs.seeds, records, result.seconds)
        if not result.stopped and not result.errors:
            self._remove_checkpoints(task)

    def _remove_checkpoints(self, task: Task) -> None:
        """Remove a task's checkpoints, here and where it was trained."""
        where = task.name, self.root, self.checkpoints
        remove_checkpoints(*where)
        self.engine.client.run(remove_worker_checkpoints, *where, wait=False, on_error="ignore")

    def _stop(self) -> None:
        """After Ctrl-C, wait until all trainings have saved a checkpoint; a second Ctrl-C ends at once."""
        self.progress.note("stopping: every training saves a checkpoint")
        with suppress(OSError):  # the scheduler has gone, and there is nothing to wait for
            self.engine.stop()
            end = time.monotonic() + STOP_SECONDS
            while self.running and time.monotonic() < end:
                self._collect(POLL_SECONDS)

    def _abandon(self) -> None:
        """Wait until no worker trains any more, so that a repeated command does not train the same runs beside it."""
        from distributed import wait

        self.engine.stop()
        try:
            wait(list(self.running), timeout=STOP_SECONDS)
        except TimeoutError:
            pass
