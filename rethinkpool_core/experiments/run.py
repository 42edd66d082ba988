"""Run a grid: hand out its tasks, lock and write its runs, until all are finished or failed."""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from rethinkpool_core.errors import RethinkPoolError, StorageError, needs_extra
from rethinkpool_core.experiments.engine import Engine, start_engine
from rethinkpool_core.experiments.grid_file import read_grid
from rethinkpool_core.experiments.grids import Grid, get_grid
from rethinkpool_core.experiments.plan import Plan, Task, make_plan
from rethinkpool_core.experiments.progress import GridProgress
from rethinkpool_core.experiments.store import ResultStore
from rethinkpool_core.experiments.work import (
    Answer,
    failed_record,
    remove_checkpoints,
    remove_worker_checkpoints,
    sentence,
    train_task,
)

BUSY_SECONDS = 1.0  # from one look to the next at runs that another command has locked
MOST_BACK = 10.0  # seconds that the clock may be set back on the way
STOP_SECONDS = 60.0  # that trainings have to save where they are


@dataclass
class Report:
    """What a call of `run_grid` did: runs it trained, runs that were there already, and of each failed run what it is and why."""

    trained: int = 0
    found: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@needs_extra("experiments", "run_grid")
def run_grid(
    grid: str | Grid,
    store: str | os.PathLike[str] | None = None,
    *,
    engine: str = "local",
    scheduler: str | None = None,
    seeds: int | Sequence[int] | None = None,
    workers: int = 0,
    device: str = "auto",
    root: str | None = None,
    retry_failed: bool = False,
    with_committed: bool = False,
    progress: bool = True,
) -> Report:
    """Train what is not in the store yet; a call that was interrupted or killed is repeated to go on.

    grid          its name (`GRIDS`), a TOML file (`read_grid`) or a `Grid`
    store         folder of the results, see `store_folder`
    engine        "local": this machine's cores or GPUs; "dask": the workers of ``scheduler``
    seeds         how many, or which, instead of the grid's own
    workers       of the engine local; 0 for as many as there are cores, or GPUs, and memory for
    root          data folder, as the workers see it
    with_committed
                  count the runs committed in ``results/`` of the clone as finished

    Any number of calls may share a store: a lock on each run keeps them from training it twice.

    Raises UnknownNameError, UsageError, DeviceError; StorageError when the store cannot be written, where nothing finished is
    lost; KeyboardInterrupt on Ctrl-C, when all trainings have saved where they are. Runs that fail do not raise: they are in
    ``Report.failures``.
    """
    grid = find_grid(grid, seeds)
    results = ResultStore(store)
    results.prepare()
    plan = make_plan(grid, results, workers=workers, retry_failed=retry_failed, with_committed=with_committed)
    report = Report(found=plan.finished)
    for row in results.rows(plan.failed, ["model", "dataset", "error"]):
        cell, seed = plan.failed[row["key"]]
        report.failures[f"{cell}, seed {seed}"] = row["error"]
    if not plan.todo:
        return report
    with start_engine(engine, plan, scheduler=scheduler, workers=workers, device=device) as started:
        with GridProgress(plan, started.dashboard, progress) as line, _termination_is_ctrl_c():
            GridRunner(plan, results, started, root, report, line).run()
    return report


def find_grid(grid: str | Grid, seeds: int | Sequence[int] | None = None) -> Grid:
    """Raises UnknownNameError, UsageError, or StorageError for a file that cannot be read."""
    from rethinkpool_core.training.seeds import check_seeds

    if isinstance(grid, str):
        grid = read_grid(Path(grid)) if grid.endswith(".toml") else get_grid(grid)
    if seeds is not None:
        grid = replace(grid, seeds=tuple(check_seeds(seeds if isinstance(seeds, int) else list(seeds))))
    return grid


class GridRunner:
    """Of one call: the only one that locks and writes."""

    def __init__(
        self,
        plan: Plan,
        store: ResultStore,
        engine: Engine,
        root: str | None,
        report: Report,
        line: GridProgress,
    ):
        self.store, self.engine, self.root, self.report, self.line = store, engine, root, report, line
        self.checkpoints = str(store.checkpoints.resolve())
        self.waiting = deque(plan.tasks)
        self.skipped = plan.skipped
        self.running: dict[object, tuple[Task, tuple[int, ...], list]] = {}
        self.ended: queue.SimpleQueue = queue.SimpleQueue()
        self.clock = time.time() - time.monotonic()
        self.no_workers = False  # no worker was there at the last look
        _allow_many_open_files()

    def run(self) -> None:
        try:
            while self.waiting or self.running:
                self._hand_out()
                if self.running:
                    self._take_in(BUSY_SECONDS)
                elif self.waiting:
                    time.sleep(BUSY_SECONDS)
        except KeyboardInterrupt:
            self._stop()
            raise
        except (OSError, TimeoutError) as error:  # of the connection to the scheduler
            raise RethinkPoolError(
                f"the connection to the workers broke ({' '.join(str(error).split())[:120]}): run the same command again, "
                "it goes on from here"
            ) from error
        finally:
            for _, _, locks in self.running.values():
                _release(locks)

    def _hand_out(self) -> None:
        """Keep every worker busy, and lock no more than that: another call may have workers to spare."""
        slots = self.engine.slots
        if not slots and not self.no_workers:
            self.line.note(self.engine.without_workers)
        self.no_workers = not slots
        looked = 0
        while self.waiting and len(self.running) < slots and looked < len(self.waiting):
            task = self.waiting.popleft()
            seeds, locks = self._locked(task)
            if seeds is None:
                self.waiting.append(task)
                looked += 1
            elif seeds:
                self._submit(task, seeds, locks)

    def _locked(self, task: Task) -> tuple[tuple[int, ...] | None, list]:
        """Its runs that are to be trained, with the locks on them; None where another call has one of them."""
        from filelock import Timeout

        locks, seeds = [], []
        for seed, key in task.keys().items():
            if self.store.has(key) or key in self.skipped:
                continue
            lock = self.store.lock(key)
            try:
                lock.acquire(blocking=False)
            except Timeout:
                _release(locks)
                return None, []
            except OSError as error:
                _release(locks)
                raise StorageError(
                    f"cannot lock a run in {self.store.folder} ({error.strerror}): check its permissions and free space"
                ) from error
            if self.store.has(key):  # finished between the two looks
                lock.release()
                self.line.found(1)
            else:
                locks.append(lock)
                seeds.append(seed)
        return tuple(seeds), locks

    def _submit(self, task: Task, seeds: tuple[int, ...], locks: list) -> None:
        future = self.engine.client.submit(
            train_task,
            task,
            seeds,
            self.root,
            self.engine.device,
            self.checkpoints,
            key=f"{task.name}-{time.monotonic_ns()}",
            pure=False,
        )
        self.running[future] = task, seeds, locks
        future.add_done_callback(self.ended.put)
        self.line.started(seeds)

    def _take_in(self, seconds: float) -> None:
        """Write what has ended, if anything does within so many seconds."""
        try:
            future = self.ended.get(timeout=seconds)
            while True:
                task, seeds, locks = self.running[future]
                self._write(task, seeds, self._answer(future, seeds))
                del self.running[future]
                _release(locks)
                future = self.ended.get_nowait()
        except queue.Empty:
            self._look_at_the_clock()

    def _answer(self, future, seeds: tuple[int, ...]) -> Answer:
        from distributed import CancelledError, KilledWorker

        try:
            return future.result()
        except CancelledError as error:
            raise ConnectionError("the scheduler went away") from error
        except KilledWorker:
            reason = "the worker died again and again, perhaps for want of memory: give fewer --workers"
        except ImportError as error:
            reason = f"a worker could not load the package ({error}): install the same version of rethinkpool there"
        except Exception as error:  # of Dask: training's own are in the answer
            reason = sentence(error)
        return Answer(errors=dict.fromkeys(seeds, reason))

    def _look_at_the_clock(self) -> None:
        """Dask's messages wait for a time of day: with the clock set back they would wait as long again."""
        back = self.clock - (time.time() - time.monotonic())
        if back > MOST_BACK:
            raise RethinkPoolError(
                f"this machine's clock was set back by {back:.0f} s, which stalls the workers: run the same command again, "
                "it goes on from here"
            )

    def _write(self, task: Task, seeds: tuple[int, ...], answer: Answer) -> None:
        records = answer.records + [
            failed_record(task, seed, error) for seed, error in sorted(answer.errors.items())
        ]
        for record in records:
            key = self.store.write(record, task.cell.digest)
            if record.error:
                self.report.failures[f"{task.cell}, seed {record.seed}"] = record.error
            else:
                self.store.drop_lock_file(key)
                self.report.trained += 1
        for note in answer.notes:
            if note not in self.report.notes:
                self.report.notes.append(note)
                self.line.note(note)
        self.line.ended(task, seeds, records, answer.seconds)
        if not answer.stopped and not answer.errors:
            self._forget(task)

    def _forget(self, task: Task) -> None:
        """Its checkpoints, here and where it was trained."""
        where = task.name, self.root, self.checkpoints
        remove_checkpoints(*where)
        self.engine.client.run(remove_worker_checkpoints, *where, wait=False, on_error="ignore")

    def _stop(self) -> None:
        """Ctrl-C: let trainings save where they are; a second one leaves at once."""
        self.line.note("stopping: every training saves where it is")
        self.engine.stop()
        end = time.monotonic() + STOP_SECONDS
        while self.running and time.monotonic() < end:
            self._take_in(BUSY_SECONDS)


@contextmanager
def _termination_is_ctrl_c() -> Iterator[None]:
    """SIGTERM, which a cluster sends before it kills, stops a grid as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(signum, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _release(locks: list) -> None:
    for lock in locks:
        lock.release()


def _allow_many_open_files() -> None:
    """Each lock is an open file, and on a cluster hundreds are held at once."""
    try:
        import resource
    except ImportError:  # not on Windows, which has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
