"""Progress of a notebook that is being run: a live line on a terminal, else one plain line per cell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress


class CellProgress:
    """Announces each code cell when it starts, with the heading that it stands under."""

    def __init__(self, name: str, cells: int, live: Progress | None, console):
        self.name, self.cells, self.console = name, cells, console
        self.started, self.heading = 0, ""
        self.live = live
        self.task = live.add_task(f"{name}: starting the kernel", total=cells) if live else None

    def on_cell_start(self, cell, cell_index: int) -> None:
        """Hook of nbclient, called for every cell, text or code, in order."""
        if cell.cell_type != "code":
            headings = [line.lstrip("# ") for line in cell.source.splitlines() if line.startswith("#")]
            self.heading = headings[-1] if headings else self.heading
            return
        self.started += 1
        text = f"{self.name}: cell {self.started} of {self.cells}" + (
            f", {self.heading}" if self.heading else ""
        )
        if self.live:
            self.live.update(self.task, description=text, completed=self.started - 1)
        else:
            self.console.print(text, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def show_cells(name: str, cells: int) -> Iterator[CellProgress]:
    """Progress on standard error of a notebook with so many code cells."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield CellProgress(name, cells, None, console)
        return
    columns = SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False)
    with Progress(*columns, console=console, transient=True) as live:
        yield CellProgress(name, cells, live, console)
