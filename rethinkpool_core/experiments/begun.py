"""Tasks that were begun, known by the folders of their checkpoints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path

from rethinkpool_core.training.seeds import chunk_evenly


def task_name(cell: str, seeds: Sequence[int]) -> str:
    """Return the name of a task, which is that of its folder: the cell's digest, the first seed, their number and the last."""
    return f"{cell}-{seeds[0]}" + (f"-{len(seeds)}-{seeds[-1]}" if len(seeds) > 1 else "")


def divide(seeds: Sequence[int], size: int, checkpoints: Path, cell: str) -> list[tuple[int, ...]]:
    """Return the seeds of a cell in tasks: those that were begun as they are, the others at most ``size`` side by side.

    seeds          in ascending order
    checkpoints    folder with a folder per task
    cell           digest of the cell

    So a grid finds its checkpoints whatever size its tasks had before, on another number of workers or on a GPU.
    """
    chunks = begun_chunks(seeds, checkpoints, cell)
    taken = {seed for chunk in chunks for seed in chunk}
    for chunk in chunk_evenly(seeds, size):
        # What lies between begun tasks becomes tasks of its own, since only consecutive seeds follow from a name.
        for begun, consecutive in groupby(chunk, taken.__contains__):
            if not begun:
                chunks.append(tuple(consecutive))
    return sorted(chunks)


def begun_chunks(seeds: Sequence[int], checkpoints: Path, cell: str) -> list[tuple[int, ...]]:
    """Return the seeds of each task that has a folder; of two with a seed in common the one that was trained last.

    A task whose seeds are not consecutive among ``seeds`` is left out.
    """
    found = []
    for path in checkpoints.glob(f"{cell}-*"):
        named = re.fullmatch(r"(\d+)(?:-(\d+)-(\d+))?", path.name.removeprefix(f"{cell}-"))
        if named is None:
            continue
        first, last = int(named[1]), int(named[3] or named[1])
        chunk = tuple(seed for seed in seeds if first <= seed <= last)
        if len(chunk) == int(named[2] or 1) and chunk[:1] + chunk[-1:] == (first, last):
            with suppress(FileNotFoundError):  # another command has finished the task since
                found.append((path.stat().st_mtime, chunk))
    kept: list[tuple[int, ...]] = []
    for _, chunk in sorted(found, reverse=True):
        if all(set(chunk).isdisjoint(other) for other in kept):
            kept.append(chunk)
    return kept
