"""Where commands put their results: tables and text on standard output, and files that are written whole or not at all."""

from __future__ import annotations

import os
import sys
import textwrap
from itertools import combinations, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from rethinkpool_core.errors import StorageError
from rethinkpool_core.files.atomic import write_file
from rethinkpool_core.files.folders import expand_home

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Column, Table

_UNLIMITED = 10_000  # columns of a pipe or a file
_GAP = 2  # spaces between two columns


def terminal_width() -> int | None:
    """Columns of the terminal that standard output goes to; None where it goes to a pipe or a file."""
    from rich.console import Console

    return Console().width if sys.stdout.isatty() else None


def print_table(table: Table, keys: int = 1) -> None:
    """Print a table to standard output; no cell is ever cut.

    A table that is too wide for the terminal is printed in several parts, each with the first ``keys`` columns and some of the
    others. Numbers, which are right-justified, and columns marked ``no_wrap`` never wrap; other text wraps between words. A pipe
    gets each row in one line.
    """
    from rich.console import Console
    from rich.text import Text

    width = terminal_width() or _UNLIMITED
    console = Console(width=width)
    if table.title:
        console.print(Text(str(table.title), style="italic"))
    for part in fit_table(table, width, keys):
        console.print(part)
        console.print()
    if table.caption:
        console.print(Text(str(table.caption), style="dim"))
        console.print()


def print_text(text: str) -> None:
    """Print a line to standard output, wrapped between words where that is a terminal."""
    width = terminal_width()
    print(
        text if width is None else textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)
    )


def fit_table(table: Table, width: int, keys: int = 1) -> list[Table]:
    """The table as one that is at most ``width`` wide or, where it cannot be, as the fewest that are.

    Of the ways to divide the columns after the first ``keys`` into so many tables, the one whose widest table is narrowest.
    """
    least = [_least_width(column) for column in table.columns]
    others = range(keys, len(table.columns))

    def widest(parts: list[list[int]]) -> int:
        return max(sum(least[column] + _GAP for column in part) - _GAP for part in parts)

    for count in range(1, max(2, len(others) + 1)):
        divisions = [[[*range(keys), *part] for part in parts] for parts in _divisions(list(others), count)]
        best = min(divisions, key=widest)
        if widest(best) <= width:
            break
    return [_part(table, part, width) for part in best]


def _divisions(items: list[int], count: int) -> Iterator[list[list[int]]]:
    """All ways to cut ``items`` into ``count`` runs."""
    for cuts in combinations(range(1, len(items)), count - 1):
        ends = [0, *cuts, len(items)]
        yield [items[first:last] for first, last in pairwise(ends)]


def _least_width(column: Column) -> int:
    """Width at which no word is broken, and no cell that has to stay in one line is wrapped."""
    cells = [str(cell) for cell in column.cells]
    if column.justify != "right" and not column.no_wrap:
        cells = [word for cell in cells for word in cell.split()]
    return _longest([*cells, *str(column.header).split()])


def _full_width(column: Column) -> int:
    return _longest([str(column.header), *map(str, column.cells)])


def _longest(texts: list[str]) -> int:
    from rich.cells import cell_len

    return max(map(cell_len, texts), default=0)


def _part(table: Table, numbers: list[int], width: int) -> Table:
    """The columns with these numbers as a table of their own; what room there is goes to text first, least needed first."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    columns = [table.columns[number] for number in numbers]
    widths = [_least_width(column) for column in columns]
    room = width - sum(widths) - _GAP * (len(columns) - 1)
    needs = [_full_width(column) - least for column, least in zip(columns, widths, strict=True)]
    for place in sorted(
        range(len(columns)), key=lambda place: (columns[place].justify == "right", needs[place])
    ):
        more = min(max(room, 0), needs[place])
        widths[place] += more
        room -= more
    part = Table(box=box.SIMPLE_HEAD, padding=(0, _GAP - 1, 0, 0), pad_edge=False, show_edge=False)
    for column, columns_width in zip(columns, widths, strict=True):
        part.add_column(column.header, justify=column.justify, width=columns_width, overflow="fold")
    for row in zip(*(column.cells for column in columns), strict=True):
        part.add_row(*(Text(str(cell)) for cell in row))  # brackets in it are no markup
    return part


def check_writable(path: Path) -> Path:
    """Return ``path`` without ``~``; refuse a file that could not be written later, before hours of training.

    Pipes and devices are refused too: they would be replaced by a file. Raises StorageError, and UsageError as `expand_home`.
    """
    path = expand_home(path)
    try:
        file = path.resolve()  # where the file is that is replaced, if this is a link
        writable = file.parent.is_dir() and os.access(file.parent, os.W_OK | os.X_OK)
        writable = writable and (file.is_file() or not file.exists())
    except (OSError, RuntimeError):  # too long a name, a folder that cannot be looked into, links in a circle
        writable = False
    if not writable:
        raise StorageError(
            f"cannot write {path}: name a regular file in a folder that exists and is writable"
        )
    return path


def write_text(path: Path, text: str) -> None:
    """Write a file aside and rename it (raises StorageError and leaves no half file)."""
    write_file(path, text.encode())
