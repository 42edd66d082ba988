"""Few shapes for many batches: a recorded training step serves all batches of one shape, see `training.cuda_graphs`."""

from __future__ import annotations

from collections.abc import Hashable

from torch import Tensor

from rethinkpool_core.batching.buckets import BucketShape, choose_buckets
from rethinkpool_core.graphs.structure import Structure


class GrowingShapes:
    """Sizes in which all batches so far fit, kept apart by the numbers of replicas and of graphs in a batch.

    A size that has to grow is rounded up by at most a sixteenth, so that a batch like those before is likely to fit.
    """

    def __init__(self):
        self._sizes: dict[Hashable, int] = {}
        self._graphs_per_bucket: dict[Hashable, list[int]] = {}

    def rows_and_edges(self, level: int, graphs: Structure, index: Tensor) -> tuple[int, int]:
        """Return the numbers of rows and edges per replica for the M batches of graphs ``index`` (M, R, B).

        There is always a row for padding, since whether batches have any is part of their shape.

        level  how often the graphs have been coarsened
        """
        key = (level, *index.shape[1:])
        rows, edges = (int(sizes[index].sum(2).max()) for sizes in (graphs.num_nodes, graphs.num_edges))
        return self._grow(("rows", key), rows + 1), self._grow(("edges", key), edges)

    def buckets(self, sizes: Tensor) -> tuple[tuple[BucketShape, ...], int]:
        """Return the bucket shapes and the number of empty slots for graphs of ``sizes`` (M, R, B), for `make_many_buckets`.

        The number of graphs in each bucket never changes.
        """
        key = tuple(sizes.shape[1:])
        # For each k, the k-th graph by size of whichever batch has it largest.
        largest = sizes.flatten(1).sort(1).values.amax(0)
        if key not in self._graphs_per_bucket:
            self._graphs_per_bucket[key] = [graphs for graphs, _ in choose_buckets(largest)]
        shapes, last = [], -1
        for number, graphs in enumerate(self._graphs_per_bucket[key]):
            last += graphs
            shapes.append((graphs, self._grow(("width", key, number), max(1, int(largest[last])))))
        slots = sum(graphs * width for graphs, width in shapes)
        num_empty = self._grow(("empty", key), slots + 1 - int(sizes.sum((1, 2)).min()))
        return tuple(shapes), num_empty

    def _grow(self, name: Hashable, needed: int) -> int:
        if needed > self._sizes.get(name, 0):
            self._sizes[name] = round_up(needed)
        return self._sizes.get(name, 0)


def round_up(n: int) -> int:
    """Round up to a multiple of the power of two that is between a 32nd and a sixteenth of ``n``."""
    step = 1 << max(0, n.bit_length() - 5)
    return -(-n // step) * step
