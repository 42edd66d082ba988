"""Buckets: where the ragged rows of a batch go when every graph needs a padded matrix of its own.

Products such as S^T X need one matrix per graph. The graphs of a batch, of all its replicas together, are sorted by size and
divided into a few buckets; within a bucket all matrices have as many rows (slots) as its largest graph has nodes. One more
slot, behind all buckets, receives the rows that are padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from rethinkpool_core.datasets.ragged import offsets_from_sizes

MAX_BUCKETS = 6

BucketShape = tuple[int, int]
"""Number of graphs in a bucket, and number of slots per graph."""


@dataclass(frozen=True, eq=False)
class Buckets:
    """The slots of R replicas of B graphs with N rows each, as if they were one batch of R B graphs.

    shapes       (graphs, slots per graph) of each bucket, by ascending number of slots
    row_of_slot  (slots + 1,) the row in each slot; 0 for an empty slot
    slot_of_row  (R N,) the slot of each row; the last one for padding
    empty_slots  the slots that no row is in, the last slot among them
    order        (R B,) the graphs in the order of the buckets
    rank         (R B,) the position of each graph in that order
    """

    shapes: tuple[BucketShape, ...]
    row_of_slot: Tensor
    slot_of_row: Tensor
    empty_slots: Tensor
    order: Tensor
    rank: Tensor

    def pad(self, rows: Tensor) -> Tensor:
        """Copy rows to their slots: (R N, D) -> (slots + 1, D), zero in empty slots."""
        return rows.index_select(0, self.row_of_slot).index_fill_(0, self.empty_slots, 0)

    def unpad(self, slots: Tensor) -> Tensor:
        """Invert `pad`, with zeros for padding rows. Overwrites the last slot."""
        slots[-1] = 0
        return slots.index_select(0, self.slot_of_row)

    def split(self, slots: Tensor) -> list[Tensor]:
        """Return one view (graphs, slots per graph, D) per bucket of padded rows."""
        parts = slots[:-1].split([graphs * width for graphs, width in self.shapes])
        return [part.view(*shape, -1) for part, shape in zip(parts, self.shapes, strict=True)]

    def concat(self, parts: Sequence[Tensor]) -> Tensor:
        """Invert `split`; a bucket may come in several parts. Zero in the last slot."""
        slots = [part.flatten(0, 1) for part in parts]
        return torch.cat([*slots, slots[0].new_zeros(1, slots[0].shape[-1])])

    def sort_graphs(self, values: Tensor) -> Tensor:
        """Put values (R B, ...), one row per graph, in the order of the buckets."""
        return values.index_select(0, self.order)

    def unsort_graphs(self, values: Tensor) -> Tensor:
        """Invert `sort_graphs`."""
        return values.index_select(0, self.rank)

    def split_graphs(self, values: Tensor) -> list[Tensor]:
        """Return one view (graphs, ...) per bucket of sorted values (R B, ...)."""
        return list(values.split([graphs for graphs, _ in self.shapes]))


class SingleBucket:
    """The same operations for graphs that all have n nodes, (B, n, D): one bucket, nothing to copy."""

    def pad(self, rows: Tensor) -> Tensor:
        return rows

    unpad = sort_graphs = unsort_graphs = pad

    def split(self, rows: Tensor) -> list[Tensor]:
        return [rows]

    def concat(self, parts: Sequence[Tensor]) -> Tensor:
        return torch.cat(list(parts))

    split_graphs = split


def make_buckets(sizes: Tensor, graph: Tensor, position: Tensor) -> Buckets:
    """Return the buckets of one batch.

    sizes            (R, B) nodes of each graph, on the host
    graph, position  (R N,) of each row, as in `Batch`, on the device
    """
    shapes = choose_buckets(sizes.reshape(-1).sort().values)
    num_empty = sum(graphs * width for graphs, width in shapes) + 1 - int(sizes.sum())
    (buckets,) = make_many_buckets(sizes[None], graph[None], position[None], shapes, num_empty)
    return buckets


def make_many_buckets(
    sizes: Tensor, graph: Tensor, position: Tensor, shapes: tuple[BucketShape, ...], num_empty: int
) -> list[Buckets]:
    """Return the buckets of M batches of one shape, made at once; tensors as for `make_buckets` with M in front.

    shapes     of the buckets; the sorted sizes of every batch fit in
    num_empty  length of ``empty_slots``, enough for every batch; where there are fewer, the last slot is repeated
    """
    device, (M, R, B) = graph.device, sizes.shape
    order = sizes.flatten(1).argsort(dim=1, stable=True).to(device, non_blocking=True)
    count, width = torch.tensor(shapes).T
    offsets = offsets_from_sizes(width.repeat_interleave(count, output_size=R * B))
    num_slots, first_slot = int(offsets[-1]), offsets[:-1].to(device, non_blocking=True)

    rank = torch.empty_like(order)
    rank.scatter_(1, order, torch.arange(R * B, device=device).expand(M, -1))
    first_slot_of_graph = torch.full((M, R, B + 1), num_slots, device=device)  # padding goes to the last slot
    first_slot_of_graph[..., :B] = first_slot.index_select(0, rank.view(-1)).view(M, R, B)
    slot_of_row = first_slot_of_graph.view(M, -1).gather(1, graph).add_(position).clamp_(max=num_slots)
    row_of_slot = torch.full((M, num_slots + 1), -1, device=device)
    row_of_slot.scatter_(1, slot_of_row, torch.arange(graph.shape[1], device=device).expand(M, -1))
    row_of_slot[:, -1] = -1
    empty_slots = _first_true(row_of_slot < 0, num_empty)
    tensors = (t.unbind() for t in (row_of_slot.clamp_(min=0), slot_of_row, empty_slots, order, rank))
    return [Buckets(shapes, *of_batch) for of_batch in zip(*tensors, strict=True)]


def _first_true(mask: Tensor, number: int) -> Tensor:
    """Return the columns of the first true entries in each row of a mask (M, n), filled up with the last column: (M, number)."""
    n = mask.shape[1]
    # Counted from 1; entries that are not true get 0, which is written to the front and cut off.
    rank = mask.cumsum(1).masked_fill_(~mask, 0).clamp_(max=number + 1)
    columns = torch.full((len(mask), number + 2), n - 1, device=mask.device)
    columns.scatter_(1, rank, torch.arange(n, device=mask.device).expand(len(mask), -1))
    return columns[:, 1:-1].contiguous()


def choose_buckets(sizes: Tensor) -> tuple[BucketShape, ...]:
    """Divide the ascending ``sizes`` into at most `MAX_BUCKETS` buckets, where that saves most padding."""
    widths = sizes.clamp(min=1)
    least = 0.04 * float(widths.sum())  # below this a further product costs more than its padding
    cuts = [0, len(widths)]
    for _ in range(MAX_BUCKETS - 1):
        best, saved = None, least
        for start, end in pairwise(cuts):
            if end - start > 1:
                below = torch.arange(1, end - start)
                gain = below * (widths[end - 1] - widths[start : end - 1])
                at = int(gain.argmax())
                if float(gain[at]) > saved:
                    best, saved = start + at + 1, float(gain[at])
        if best is None:
            break
        cuts = sorted([*cuts, best])
    return tuple((end - start, int(widths[end - 1])) for start, end in pairwise(cuts))
