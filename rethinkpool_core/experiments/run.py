"""The call that trains a grid: its plan, its workers, its progress, and a report of what it did."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rethinkpool_core.datasets.tu_import import import_tu
from rethinkpool_core.errors import needs_extra
from rethinkpool_core.experiments.engine import check_engine, start_engine, trains_on_gpus
from rethinkpool_core.experiments.grid_file import read_grid
from rethinkpool_core.experiments.grids import Grid, get_grid
from rethinkpool_core.experiments.plan import make_plan
from rethinkpool_core.experiments.progress import GridProgress
from rethinkpool_core.experiments.runner import GridRunner, Report
from rethinkpool_core.experiments.store import ResultStore
from rethinkpool_core.parameters.check import check_value
from rethinkpool_core.parameters.types import NonNegativeInt
from rethinkpool_core.training.seeds import check_seeds


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
    """Train the runs of a grid that are not in the store yet; a call that was interrupted or killed is repeated to resume it.

    grid            name of a grid (`GRIDS`), path of a TOML file (`read_grid`) or a `Grid`
    store           folder of the results (`store_folder`)
    engine          "local": the cores or GPUs of this machine; "dask": the workers of ``scheduler``
    scheduler       address of a Dask scheduler
    seeds           their number or a list of them, instead of the grid's own
    workers         workers of the engine "local"; 0 for as many as cores, or GPUs, and memory allow
    device          auto, cpu, cuda, cuda:i or mps
    root            data folder, as the workers see it
    retry_failed    train again the runs that ended with an error
    with_committed  count the runs committed in ``results/`` of the clone as finished
    progress        show progress on standard error

    Any number of calls may share a store: a lock on each run keeps two of them from training it at once. A model of the user's
    own must be registered in a module, which workers import (`models.modules`).

    Raises UnknownNameError, UsageError or DeviceError for wrong arguments, DataError for data of the grid's own that cannot be
    imported; StorageError when the store cannot be written, which loses no finished run; KeyboardInterrupt on Ctrl-C, once all
    trainings have saved a checkpoint. Runs that fail do not raise: they are in ``Report.failures``.
    """
    check_value("workers", workers, NonNegativeInt)
    check_engine(engine, scheduler)
    grid = find_grid(grid, seeds)
    for path in grid.own_data:
        import_tu(path, root)
    results = ResultStore(store)
    results.prepare()
    plan = make_plan(
        grid,
        results,
        workers=workers,
        retry_failed=retry_failed,
        with_committed=with_committed,
        gpu=trains_on_gpus(engine, device),
    )
    report = Report(found=plan.finished)
    for row in results.rows(plan.failed, ["model", "dataset", "error"]):
        cell, seed = plan.failed[row["key"]]
        report.failures[f"{cell}, seed {seed}"] = row["error"]
    if not plan.todo:
        return report
    with start_engine(engine, plan, scheduler=scheduler, workers=workers, device=device) as started:
        with GridProgress(plan, started.dashboard, progress) as shown, _sigterm_as_ctrl_c():
            GridRunner(plan, results, started, root, report, shown).run()
    return report


def find_grid(grid: str | Grid, seeds: int | Sequence[int] | None = None) -> Grid:
    """Return a grid by its name or from its file, with ``seeds`` instead of its own if given.

    Raises UnknownNameError, UsageError, or StorageError for a file that cannot be read.
    """
    if isinstance(grid, str):
        grid = read_grid(Path(grid)) if grid.endswith(".toml") else get_grid(grid)
    if seeds is not None:
        grid = replace(grid, seeds=tuple(check_seeds(seeds)))
    return grid


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """SIGTERM, which a cluster sends before it kills a job, interrupts a grid as Ctrl-C does."""
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
