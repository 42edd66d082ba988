"""Progress of a grid on standard error: a live line on a terminal, else one plain line per task."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rethinkpool_core.experiments.plan import Plan, Task
from rethinkpool_core.training.progress import duration
from rethinkpool_core.training.record import RunRecord


class GridProgress:
    """Counts the runs of one call of `run_grid`; ``wanted`` is whether anything is printed."""

    def __init__(self, plan: Plan, dashboard: str, wanted: bool):
        from rich.console import Console

        self.plan, self.dashboard, self.wanted = plan, dashboard, wanted
        self.console = Console(stderr=True, quiet=not wanted)
        self.todo, self.done, self.running = plan.todo, 0, 0
        self.cells_left = {plan.cell.digest: plan.todo for plan in plan.cells if plan.todo}
        self.start = time.monotonic()
        self.status = None

    def __enter__(self) -> GridProgress:
        self._print(
            f"{self.plan.grid.name}: {self.todo} runs in {len(self.cells_left)} cells to do, {self.plan.finished} finished "
            f"before; dashboard {self.dashboard}"
        )
        if self.plan.committed:
            self._print(committed_hint(self.plan))
        if self.console.is_terminal and self.wanted:
            self.status = self.console.status("")
            self.status.start()
        self._refresh()
        return self

    def __exit__(self, *exception) -> None:
        if self.status is not None:
            self.status.stop()

    def started(self, seeds: Sequence[int]) -> None:
        self.running += len(seeds)
        self._refresh()

    def found(self, task: Task, runs: int) -> None:
        """Count runs of a task that another command has finished in the meantime."""
        self.todo -= runs
        self._count(task, runs)
        self._refresh()

    def ended(self, task: Task, seeds: Sequence[int], records: Sequence[RunRecord], seconds: float) -> None:
        self.running -= len(seeds)
        failed = sum(record.error is not None for record in records)
        self.done += len(records)
        self._count(task, len(records))
        scores = [record.test_score for record in records if record.test_score is not None]
        mean = f", mean test score {sum(scores) / len(scores):.4f}" if scores else ""
        failures = f", {failed} failed" if failed else ""
        if self.status is None and records:
            self._print(
                f"{task.cell}: {len(records)} seed{'s' * (len(records) > 1)} in {seconds:.0f} s{mean}{failures}; {self._state()}"
            )
        self._refresh()

    def note(self, text: str) -> None:
        self._print(text)

    def _count(self, task: Task, runs: int) -> None:
        self.cells_left[task.cell.digest] = self.cells_left.get(task.cell.digest, 0) - runs

    def _state(self) -> str:
        cells = sum(left <= 0 for left in self.cells_left.values())
        text = f"{self.done} of {self.todo} runs done, {self.running} running, {cells} of {len(self.cells_left)} cells complete"
        if 0 < self.done < self.todo:
            elapsed = time.monotonic() - self.start
            text += f", about {duration(elapsed * (self.todo - self.done) / self.done)} left"
        return text

    def _refresh(self) -> None:
        if self.status is not None:
            from rich.text import Text

            self.status.update(Text(f"{self.plan.grid.name}: {self._state()}"))

    def _print(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


def committed_hint(plan: Plan) -> str:
    """How to use committed runs that the plan would repeat."""
    return (
        f"{plan.committed} of these runs are committed in results/ of this clone: "
        "give --with-committed to count them as finished"
    )
