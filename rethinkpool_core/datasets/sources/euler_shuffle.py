"""Random rearrangement of a ring of colours that keeps how often every window of consecutive colours occurs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np


def euler_shuffle(colours: Sequence[int], width: int, rng: np.random.Generator) -> list[int]:
    """Return a ring drawn uniformly among those in which every window of ``width`` colours occurs as often as in ``colours``.

    Windows go around the ring, in one direction. Take each window of ``width - 1`` colours as a vertex and each window of
    ``width`` as an edge from its first part to its last: a ring is then an Eulerian circuit, and every circuit is a ring with
    the same windows. A uniform one leaves each vertex along its edges in a random order, but last along the edge of a random
    spanning tree towards the start, which Wilson's loop-erased walks draw (Kandel, Matias, Unger and Winkler 1996; Wilson 1996).

    colours  whole numbers of at least 0
    """
    colours = [int(colour) for colour in colours]
    around = colours + colours[: width - 1]
    start = tuple(around[: width - 1])
    leaving: dict[tuple[int, ...], list[int]] = {}  # the colours that follow each vertex
    for place in range(len(colours)):
        leaving.setdefault(tuple(around[place : place + width - 1]), []).append(around[place + width - 1])
    uniform = _uniform(rng)
    last = _random_tree(leaving, start, uniform)
    for vertex, following in leaving.items():
        if vertex != start:
            following.remove(last[vertex])
        _shuffle(following, uniform)
        if vertex != start:
            following.append(last[vertex])
        following.reverse()  # taken from the end below
    ring, vertex = [], start
    for _ in colours:
        ring.append(leaving[vertex].pop())
        vertex = (*vertex[1:], ring[-1])
    return ring


def _random_tree(
    leaving: dict[tuple[int, ...], list[int]], root: tuple[int, ...], uniform: Iterator[float]
) -> dict[tuple[int, ...], int]:
    """Return, for each vertex but the root, the colour along which a random spanning tree leaves it (Wilson's algorithm)."""
    chosen: dict[tuple[int, ...], int] = {}
    reached = {root}
    for first in leaving:
        vertex = first
        while vertex not in reached:
            chosen[vertex] = leaving[vertex][int(next(uniform) * len(leaving[vertex]))]
            vertex = (*vertex[1:], chosen[vertex])
        vertex = first
        while vertex not in reached:  # the walk again, now without its loops
            reached.add(vertex)
            vertex = (*vertex[1:], chosen[vertex])
    return chosen


def _shuffle(values: list[int], uniform: Iterator[float]) -> None:
    for place in range(len(values) - 1, 0, -1):
        other = int(next(uniform) * (place + 1))
        values[place], values[other] = values[other], values[place]


def _uniform(rng: np.random.Generator) -> Iterator[float]:
    """Yield numbers from [0, 1); drawing them one by one would take most of the time."""
    while True:
        yield from rng.random(512).tolist()
