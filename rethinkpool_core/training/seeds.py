"""Which seeds a call trains."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

from rethinkpool_core.errors import UsageError

# A number of seeds above this is a slip (a seed given as their number), and its list would fill the memory.
MOST_SEEDS = 100_000


def chunk_evenly(seeds: Sequence[int], at_once: int) -> list[Sequence[int]]:
    """``seeds`` in as few parts of at most ``at_once`` as there can be, whose sizes differ by one at most."""
    n, parts = len(seeds), ceil(len(seeds) / at_once)
    return [seeds[n * i // parts : n * (i + 1) // parts] for i in range(parts)]


def check_seeds(seeds: int | list[int]) -> list[int]:
    """A list of distinct seeds of at least 1; a number n stands for 1 to n.

    Raises UsageError.
    """
    if isinstance(seeds, int) and not isinstance(seeds, bool):
        if not 1 <= seeds <= MOST_SEEDS:
            raise UsageError(
                f"seeds is {seeds}: give the number of seeds, from 1 to {MOST_SEEDS}, or a list of seeds"
            )
        return list(range(1, seeds + 1))
    if not isinstance(seeds, Iterable):
        raise UsageError(
            f"seeds is {seeds!r}: give the number of seeds, from 1 to {MOST_SEEDS}, or a list of seeds"
        )
    seeds = list(seeds)
    if not seeds or any(
        isinstance(seed, bool) or not isinstance(seed, int) or not 1 <= seed < 2**31 for seed in seeds
    ):
        raise UsageError(f"seeds are {seeds}: give whole numbers from 1 to {2**31 - 1}")
    repeated = (
        sorted({seed for seed in seeds if seeds.count(seed) > 1}) if len(set(seeds)) < len(seeds) else []
    )
    if repeated:
        raise UsageError(
            f"seed {repeated[0]} is given more than once: a repeated seed is the same run, so name each once"
        )
    return seeds
