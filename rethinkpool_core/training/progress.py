"""What a user sees while replicas train: a live line on a terminal, one plain line an epoch elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


class Progress:
    """Silent unless `show` made it otherwise."""

    def epoch(self, number: int, text: str) -> None:
        pass


class _Lines(Progress):
    def __init__(self, title: str, console: Console):
        self.title, self.console = title, console

    def epoch(self, number: int, text: str) -> None:
        line = f"{self.title}: epoch {number}, {text}"
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)


class _Live(Progress):
    def __init__(self, title: str, status):
        self.title, self.status = title, status

    def epoch(self, number: int, text: str) -> None:
        from rich.text import Text

        self.status.update(Text(f"{self.title}: epoch {number}, {text}"))


@contextmanager
def show(title: str, wanted: bool) -> Iterator[Progress]:
    """``title`` says which model, data and seeds the lines are about."""
    if not wanted:
        yield Progress()
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)
    if console.is_terminal:
        with console.status(Text(title)) as status:
            yield _Live(title, status)
    else:
        yield _Lines(title, console)
