"""The runs of a grid that are still to do, divided into tasks, with an estimate of their time and memory."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from statistics import median

from rethinkpool_core.errors import UsageError
from rethinkpool_core.experiments.begun import divide, task_name
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.grids import Grid
from rethinkpool_core.experiments.repeat import device_option
from rethinkpool_core.experiments.store import ResultStore, committed_store
from rethinkpool_core.models.registry import user_module

MAX_TASK_SEEDS = 20  # on a CPU core, where more seeds side by side are hardly faster per seed
# On a GPU 100 seeds of MINCUTPOOL on NCI1 take a step in little more than twice the time of 20.
GPU_TASK_SEEDS = 64
_SAMPLE = 5  # runs of a cell from which time and memory are estimated

# Peak memory of a process in bytes, assumed for cells without a measured run. DD's is MINCUTPOOL's as measured on a CPU, rounded
# up; SMNIST's and MOLHIV's are guesses. IMDB-B and PROTEINS stayed below 1.3e9.
_ASSUMED_BYTES = {"DD": 9e9, "SMNIST": 4e9, "MOLHIV": 4e9}
_OTHERS_BYTES = 2e9


@dataclass(frozen=True)
class Task:
    """Seeds of one cell that are trained side by side.

    module          the module that registered the model, for workers to import; None for a built-in model
    keep_weights    whether the records that come back have their weights
    """

    cell: Cell
    seeds: tuple[int, ...]
    module: str | None = None
    keep_weights: bool = False

    @property
    def name(self) -> str:
        return task_name(self.cell.digest, self.seeds)

    def keys(self) -> dict[int, str]:
        return {seed: self.cell.key(seed) for seed in self.seeds}


@dataclass
class CellPlan:
    """A cell with its tasks and the state of its runs.

    finished, failed        seeds that are not to be trained: those that are finished, and those that failed
    committed               how many of the runs to do could be taken from those committed in the clone
    seconds, peak_bytes     of one run on this kind of device, as measured in runs of the store or, where it has none, in the
                            committed ones; else None
    timed_elsewhere         whether they are those of committed runs
    """

    cell: Cell
    tasks: list[Task]
    todo: int
    finished: list[int]
    failed: list[int]
    committed: int = 0
    seconds: float | None = None
    peak_bytes: float | None = None
    timed_elsewhere: bool = False

    @property
    def memory(self) -> float:
        """Bytes that a task of this cell is expected to need."""
        return self.peak_bytes or _ASSUMED_BYTES.get(self.cell.dataset, _OTHERS_BYTES)


@dataclass
class Plan:
    """What is to be done for a grid.

    gpu    whether its tasks are trained on GPUs; times and memory are those of runs on the same kind of device
    """

    grid: Grid
    cells: list[CellPlan]
    gpu: bool = False

    @property
    def todo(self) -> int:
        """Runs to do."""
        return sum(cell.todo for cell in self.cells)

    @property
    def finished(self) -> int:
        """Runs that are finished."""
        return sum(len(cell.finished) for cell in self.cells)

    @property
    def committed(self) -> int:
        """Runs to do that could be taken from those committed in the clone."""
        return sum(cell.committed for cell in self.cells)

    @property
    def failed(self) -> dict[str, tuple[Cell, int]]:
        """Key of each failed run that is not to be tried again."""
        return {plan.cell.key(seed): (plan.cell, seed) for plan in self.cells for seed in plan.failed}

    @property
    def skipped(self) -> set[str]:
        """Keys of the runs that are not to be trained."""
        return {plan.cell.key(seed) for plan in self.cells for seed in (*plan.finished, *plan.failed)}

    @property
    def tasks(self) -> list[Task]:
        """Those of unknown length, then the others from the longest to the shortest: no long task is left for the end."""
        known = [plan for plan in self.cells if plan.seconds is not None]
        unknown = [plan for plan in self.cells if plan.seconds is None]
        weighted = [(plan.seconds * len(task.seeds), task) for plan in known for task in plan.tasks]
        weighted.sort(key=lambda pair: -pair[0])
        return [task for plan in unknown for task in plan.tasks] + [task for _, task in weighted]


def make_plan(
    grid: Grid,
    store: ResultStore,
    *,
    workers: int = 0,
    retry_failed: bool = False,
    with_committed: bool = False,
    gpu: bool = False,
) -> Plan:
    """Plan a grid from the names of the runs in a store, and from a few records per cell what a run takes.

    workers           tasks that can run at once; by default as many as this machine has cores
    retry_failed      plan failed runs again
    with_committed    count the runs committed in the clone (`committed_store`) as finished
    gpu               whether the tasks are trained on GPUs

    Raises UsageError for a model that workers cannot import.
    """
    committed = committed_store()
    committed_keys = set() if committed is None else committed.finished()
    finished, failed = store.finished(), store.failed()
    done_keys = finished | committed_keys if with_committed else finished
    if grid.keep_weights:
        done_keys = done_keys & store.keys_with_weights()
    workers = workers or os.cpu_count() or 1
    on_cpu = min(MAX_TASK_SEEDS, ceil(len(grid.seeds) * len(grid.cells) / (2 * workers)))
    size = GPU_TASK_SEEDS if gpu else on_cpu
    seeds = sorted(grid.seeds)
    plans = []
    for cell in grid.cells:
        keys = {seed: cell.key(seed) for seed in grid.seeds}
        done = {seed for seed, key in keys.items() if key in done_keys}
        broken = set() if retry_failed else {seed for seed, key in keys.items() if key in failed} - done
        module = _module_for_workers(cell.model)
        todo = keys.keys() - done - broken
        tasks = [
            Task(cell, chunk, module, grid.keep_weights)
            for chunk in divide(seeds, size, store.checkpoints, cell.digest)
            if not todo.isdisjoint(chunk)
        ]
        # Committed runs have no weights, so they are no use to a grid that keeps them.
        there = 0 if grid.keep_weights else sum(keys[seed] in committed_keys for seed in todo)
        plans.append(CellPlan(cell, tasks, len(todo), sorted(done), sorted(broken), there))
    _measure(plans, store, finished, gpu)
    if committed is not None:
        untimed = [plan for plan in plans if plan.seconds is None]
        _measure(untimed, committed, committed_keys, gpu)
        for plan in untimed:
            plan.timed_elsewhere = plan.seconds is not None
    return Plan(grid, plans, gpu)


def _module_for_workers(model: str) -> str | None:
    module = user_module(model)
    if module == "__main__":
        raise UsageError(
            f"{model} was registered in a script or notebook, which workers cannot import: put its class and register_model in a "
            "file of their own, as my_pooling.py, and import that"
        )
    return module


def _measure(plans: list[CellPlan], store: ResultStore, finished: Iterable[str], gpu: bool) -> None:
    """Fill in the time and memory of a run from a few runs of each cell that a GPU, or else a CPU, trained."""
    cells = {plan.cell.digest for plan in plans}
    keys: dict[str, list[tuple[int, str]]] = {}
    for key in finished:
        cell, _, seed = key.rpartition("-")
        if cell in cells:
            keys.setdefault(cell, []).append((int(seed), key))
    # Spread over the seeds: the first and the last ones of a cell are often from different machines.
    wanted = [
        of_cell[i * (len(of_cell) - 1) // (_SAMPLE - 1)][1]
        for of_cell in map(sorted, keys.values())
        for i in range(_SAMPLE)
    ]
    found: dict[str, list[dict]] = {}
    if wanted:
        for row in store.rows(wanted, ["cell", "seconds", "peak_bytes", "curves", "provenance"]):
            device = device_option(json.loads(row["provenance"]).get("device", "cpu"))
            if device != "auto" and (device != "cpu") == gpu:
                found.setdefault(row["cell"], []).append(row)
    for plan in plans:
        rows = found.get(plan.cell.digest, [])
        seconds = [seconds for row in rows if (seconds := _seconds(row))]
        peaks = [row["peak_bytes"] for row in rows if row["peak_bytes"] is not None]
        plan.seconds = median(seconds) if seconds else None
        plan.peak_bytes = max(peaks) if peaks else None


def _seconds(row: dict) -> float:
    """Time of a run; at least that of its training passes, since a resumed run may have recorded only its last part."""
    return max(row["seconds"] or 0.0, sum(dict(row["curves"]).get("train_seconds", ())))
