"""Seeds as users give them, and their division into groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil
from numbers import Integral
from typing import Any

from rethinkpool_core.errors import UsageError

# A larger number is a mistake, such as a seed given as the number of seeds, and its list would fill the memory.
MOST_SEEDS = 100_000


def chunk_evenly(seeds: Sequence[int], at_once: int) -> list[Sequence[int]]:
    """Return ``seeds`` in as few chunks of at most ``at_once`` as possible, whose sizes differ by at most one."""
    n, parts = len(seeds), ceil(len(seeds) / at_once)
    return [seeds[n * i // parts : n * (i + 1) // parts] for i in range(parts)]


def check_seeds(seeds: int | list[int]) -> list[int]:
    """Return a list of distinct seeds of at least 1, those of NumPy as Python's; a number n stands for the seeds 1 to n.

    Raises UsageError for anything else.
    """
    if _is_whole(seeds):
        if not 1 <= seeds <= MOST_SEEDS:
            raise UsageError(
                f"seeds is {seeds}: give the number of seeds, from 1 to {MOST_SEEDS}, or a list of seeds"
            )
        return list(range(1, int(seeds) + 1))
    if not isinstance(seeds, Iterable):
        raise UsageError(
            f"seeds is {seeds!r}: give the number of seeds, from 1 to {MOST_SEEDS}, or a list of seeds"
        )
    seeds = list(seeds)
    if not seeds or not all(_is_whole(seed) and 1 <= seed < 2**31 for seed in seeds):
        raise UsageError(f"seeds are {seeds}: give whole numbers from 1 to {2**31 - 1}")
    repeated = sorted(seed for seed, times in Counter(seeds).items() if times > 1)
    if repeated:
        raise UsageError(
            f"seed {repeated[0]} is given more than once: a repeated seed is the same run, so name each once"
        )
    return [int(seed) for seed in seeds]


def _is_whole(number: Any) -> bool:
    return isinstance(number, Integral) and not isinstance(number, bool)
