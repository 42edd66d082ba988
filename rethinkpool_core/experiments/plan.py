"""What of a grid is still to run, in which tasks, and what it will take."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from statistics import median

from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.grids import Grid
from rethinkpool_core.experiments.store import ResultStore
from rethinkpool_core.training.seeds import chunk_evenly

SEEDS_A_TASK = 20  # at most: more side by side are hardly faster for each

# Peak of a process in bytes, assumed for what has not been run in the store. DD's is MINCUTPOOL's as measured on a CPU, rounded
# up; the others nobody has measured. IMDB-B and PROTEINS stayed below 1.3e9.
_ASSUMED = {"DD": 9e9, "SMNIST": 4e9, "MOLHIV": 4e9}
_SMALL = 2e9


@dataclass(frozen=True)
class Task:
    """Runs that are trained side by side."""

    cell: Cell
    seeds: tuple[int, ...]

    @property
    def name(self) -> str:
        return f"{self.cell.digest}-{self.seeds[0]}" + (
            f"-{len(self.seeds)}-{self.seeds[-1]}" if len(self.seeds) > 1 else ""
        )

    def keys(self) -> dict[int, str]:
        return {seed: self.cell.key(seed) for seed in self.seeds}


@dataclass
class CellPlan:
    """A cell with its tasks and where its runs stand.

    seconds, peak_bytes     of one run, from what the store has measured; None where it has nothing
    """

    cell: Cell
    tasks: list[Task]
    todo: int
    finished: int
    failed: list[int]
    seconds: float | None = None
    peak_bytes: float | None = None

    @property
    def memory(self) -> float:
        return self.peak_bytes or _ASSUMED.get(self.cell.dataset, _SMALL)


@dataclass
class Plan:
    grid: Grid
    cells: list[CellPlan]

    @property
    def todo(self) -> int:
        return sum(cell.todo for cell in self.cells)

    @property
    def finished(self) -> int:
        return sum(cell.finished for cell in self.cells)

    @property
    def failed(self) -> dict[str, tuple[Cell, int]]:
        """Key of each failed run that is not to be tried again."""
        return {plan.cell.key(seed): (plan.cell, seed) for plan in self.cells for seed in plan.failed}

    @property
    def tasks(self) -> list[Task]:
        """Longest first, those of unknown length before them, so that no long one is left for the end."""
        known = [plan for plan in self.cells if plan.seconds is not None]
        unknown = [plan for plan in self.cells if plan.seconds is None]
        weighted = [(plan.seconds * len(task.seeds), task) for plan in known for task in plan.tasks]
        weighted.sort(key=lambda pair: -pair[0])
        return [task for plan in unknown for task in plan.tasks] + [task for _, task in weighted]


def make_plan(grid: Grid, store: ResultStore, *, workers: int = 0, retry_failed: bool = False) -> Plan:
    """Reads the names in the store, and of each cell a few records for what a run takes.

    workers    tasks that can run at once; by default this machine's cores
    """
    finished, failed = store.finished(), store.failed()
    workers = workers or os.cpu_count() or 1
    # Tasks are the same however much is finished, so that a grid that is taken up again finds its checkpoints.
    size = min(SEEDS_A_TASK, ceil(len(grid.seeds) * len(grid.cells) / (2 * workers)))
    chunks = chunk_evenly(grid.seeds, size)
    plans = []
    for cell in grid.cells:
        keys = {seed: cell.key(seed) for seed in grid.seeds}
        done = {seed for seed, key in keys.items() if key in finished}
        broken = set() if retry_failed else {seed for seed, key in keys.items() if key in failed} - done
        tasks = [
            Task(cell, chunk)
            for chunk in chunks
            if any(seed not in done and seed not in broken for seed in chunk)
        ]
        todo = len(grid.seeds) - len(done) - len(broken)
        plans.append(CellPlan(cell, tasks, todo, len(done), sorted(broken)))
    _measure(plans, store, finished)
    return Plan(grid, plans)


def _measure(plans: list[CellPlan], store: ResultStore, finished: Iterable[str]) -> None:
    """Fill in what a run takes, from up to five runs of each cell."""
    sample: dict[str, list[str]] = {}
    for key in finished:
        of_cell = sample.setdefault(key.rpartition("-")[0], [])
        if len(of_cell) < 5:
            of_cell.append(key)
    wanted = [key for plan in plans for key in sample.get(plan.cell.digest, ())]
    found: dict[str, list[dict]] = {}
    if wanted:
        for row in store.rows(wanted, ["cell", "seconds", "peak_bytes"]):
            found.setdefault(row["cell"], []).append(row)
    for plan in plans:
        rows = found.get(plan.cell.digest, [])
        seconds = [row["seconds"] for row in rows if row["seconds"] is not None]
        peaks = [row["peak_bytes"] for row in rows if row["peak_bytes"] is not None]
        plan.seconds = median(seconds) if seconds else None
        plan.peak_bytes = max(peaks) if peaks else None
