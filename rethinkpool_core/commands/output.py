"""Where commands put their results: tables on standard output, and files that are complete or not there."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rethinkpool_core.errors import StorageError
from rethinkpool_core.files.atomic import write_file

if TYPE_CHECKING:
    from rich.table import Table

_WIDE = 200  # columns when nobody's terminal sets a limit


def print_table(table: Table) -> None:
    """Print to standard output, fitted to a terminal; a pipe gets every row in one line."""
    from rich import box
    from rich.console import Console

    table.box = box.SIMPLE_HEAD
    table.title_justify = "left"
    Console(width=None if sys.stdout.isatty() else _WIDE).print(table)


def check_writable(path: Path) -> None:
    """Refuse a file that could not be written later, before hours of training (raises StorageError)."""
    folder = path.absolute().parent
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise StorageError(f"cannot write {path}: name a file in a folder that exists and is writable")


def write_text(path: Path, text: str) -> None:
    """Write a file aside and rename it (raises StorageError and leaves no half file)."""
    write_file(path, text.encode())
