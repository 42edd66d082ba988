"""Few shapes for many batches: a recorded training step serves all batches of one shape, see `training.cuda_graphs`."""

from __future__ import annotations

from collections.abc import Hashable

from torch import Tensor

from rethinkpool_core.batching.buckets import bucket_sizes
from rethinkpool_core.graphs.structure import Structure


class GrowingShapes:
    """Sizes in which all batches so far fit, for each number of replicas and of graphs in a batch.

    Each is rounded up, by a sixteenth at most, so that it seldom grows: a batch like those before is likely to fit.
    """

    def __init__(self):
        self._sizes: dict[Hashable, int] = {}
        self._counts: dict[Hashable, list[int]] = {}  # of the blocks in each group

    def rows_and_edges(self, level: int, graphs: Structure, index: Tensor) -> tuple[int, int]:
        """Of each replica, for the M batches of graphs ``index`` (M, R, B); ``level`` counts how often they became coarse.

        There is always a row for padding: whether batches have any is part of their shape.
        """
        key = (level, *index.shape[1:])
        rows, edges = (int(sizes[index].sum(2).max()) for sizes in (graphs.num_nodes, graphs.num_edges))
        return self._at_least(("rows", key), rows + 1), self._at_least(("edges", key), edges)

    def groups_and_empties(self, sizes: Tensor) -> tuple[tuple[tuple[int, int], ...], int]:
        """For `make_many_buckets`, of graphs of ``sizes`` (M, R, B): how many blocks are in a group never changes."""
        key = tuple(sizes.shape[1:])
        # For each k, the k-th graph by size of whichever batch has it largest.
        largest = sizes.flatten(1).sort(1).values.amax(0)
        if key not in self._counts:
            self._counts[key] = [count for count, _ in bucket_sizes(largest)]
        groups, last = [], -1
        for number, count in enumerate(self._counts[key]):
            last += count
            groups.append((count, self._at_least(("width", key, number), max(1, int(largest[last])))))
        slots = sum(count * width for count, width in groups)
        empties = self._at_least(("empties", key), slots + 1 - int(sizes.sum((1, 2)).min()))
        return tuple(groups), empties

    def _at_least(self, name: Hashable, needed: int) -> int:
        if needed > self._sizes.get(name, 0):
            self._sizes[name] = rounded_up(needed)
        return self._sizes.get(name, 0)


def rounded_up(n: int) -> int:
    """To a multiple of the power of two that is a sixteenth to a 32nd of ``n``."""
    step = 1 << max(0, n.bit_length() - 5)
    return -(-n // step) * step
