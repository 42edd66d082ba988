"""Where ragged rows stand when every graph needs a padded matrix of its own: a few groups of blocks of like size.

Products such as S^T X need one matrix a graph. The graphs of a batch, of all its replicas together, are sorted by size and
cut into groups; a block has as many slots as the largest graph of its group, not of the batch. One slot behind all blocks is
for the rows that stand for no node.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from rethinkpool_core.datasets.ragged import offsets_from_sizes

MAX_BUCKETS = 6


@dataclass(frozen=True, eq=False)
class Buckets:
    """The slots of R replicas of B graphs with N rows each, as if they were one batch of R B graphs.

    groups   (blocks, width) of each group, by ascending width
    row      (slots + 1,) row in each slot; of an empty slot, row 0
    slot     (R N,) slot of each row, the last for rows that are no nodes
    empty    empty slots, the last among them
    graph    (R B,) the graph of each block
    block    (R B,) the block of each graph
    """

    groups: tuple[tuple[int, int], ...]
    row: Tensor
    slot: Tensor
    empty: Tensor
    graph: Tensor
    block: Tensor

    @property
    def width(self) -> int:
        """Nodes of the largest graph."""
        return self.groups[-1][1]

    def pad(self, rows: Tensor) -> Tensor:
        """(R N, D) -> (slots + 1, D), zero in empty slots."""
        return rows.index_select(0, self.row).index_fill_(0, self.empty, 0)

    def unpad(self, flat: Tensor) -> Tensor:
        """Inverse of `pad`, zero in rows that are no nodes; overwrites the last slot."""
        flat[-1] = 0
        return flat.index_select(0, self.slot)

    def cut(self, flat: Tensor) -> list[Tensor]:
        """One view (blocks, width, D) a group."""
        parts = flat[:-1].split([count * width for count, width in self.groups])
        return [part.view(count, width, -1) for part, (count, width) in zip(parts, self.groups, strict=True)]

    def join(self, parts: Sequence[Tensor]) -> Tensor:
        """Inverse of `cut`, whose groups may come in several parts; zero in the last slot."""
        rows = [part.flatten(0, 1) for part in parts]
        return torch.cat([*rows, rows[0].new_zeros(1, rows[0].shape[-1])])

    def arrange(self, values: Tensor) -> Tensor:
        """One row a graph, (R B, ...), in the order of the blocks."""
        return values.index_select(0, self.graph)

    def restore(self, values: Tensor) -> Tensor:
        """Inverse of `arrange`."""
        return values.index_select(0, self.block)

    def cut_graphs(self, values: Tensor) -> list[Tensor]:
        """One view a group of values (R B, ...) in the order of the blocks."""
        return list(values.split([count for count, _ in self.groups]))


class Uniform:
    """The same for graphs that all have n nodes, (B, n, D): one group, nothing to copy."""

    def pad(self, rows: Tensor) -> Tensor:
        return rows

    unpad = arrange = restore = pad

    def cut(self, values: Tensor) -> list[Tensor]:
        return [values]

    def join(self, parts: Sequence[Tensor]) -> Tensor:
        return torch.cat(list(parts))

    cut_graphs = cut


def make_buckets(
    sizes: Tensor, graph: Tensor, position: Tensor, groups: tuple[tuple[int, int], ...] | None = None
) -> Buckets:
    """Buckets for graphs of ``sizes`` (R, B) nodes, on the host.

    graph, position    (R N,) of each row, as in `Batch`, on the device
    groups             (blocks, width) by ascending width, such that the sorted sizes fit in; made here unless given
    """
    groups = bucket_sizes(sizes.reshape(-1).sort().values) if groups is None else groups
    slots = sum(count * width for count, width in groups)
    empties = slots + 1 - int(sizes.sum())
    (blocks,) = make_many_buckets(sizes[None], graph[None], position[None], groups, empties)
    return blocks


def make_many_buckets(
    sizes: Tensor, graph: Tensor, position: Tensor, groups: tuple[tuple[int, int], ...], empties: int
) -> list[Buckets]:
    """As `make_buckets`, of M batches of one shape at once: all arguments have an axis of the batches in front.

    empties    at least as many empty slots as any of them has; for those that it has not, its last one is named again
    """
    device, (M, R, B) = graph.device, sizes.shape
    order = sizes.flatten(1).argsort(dim=1, stable=True).to(device, non_blocking=True)
    count, width = torch.tensor(groups).T
    width = width.repeat_interleave(count, output_size=R * B)
    offsets = offsets_from_sizes(width)
    slots, start = int(offsets[-1]), offsets[:-1].to(device, non_blocking=True)

    block = torch.empty_like(order)
    block.scatter_(1, order, torch.arange(R * B, device=device).expand(M, -1))
    start_of = torch.full((M, R, B + 1), slots, device=device)
    start_of[..., :B] = start.index_select(0, block.view(-1)).view(M, R, B)
    slot = (start_of.view(M, -1).gather(1, graph) + position).clamp_(max=slots)
    row = torch.full((M, slots + 1), -1, device=device)
    row.scatter_(1, slot, torch.arange(graph.shape[1], device=device).expand(M, -1))
    row[:, -1] = -1
    empty = _first_places(row < 0, empties)
    parts = (tensor.unbind() for tensor in (row.clamp_(min=0), slot, empty, order, block))
    return [Buckets(groups, *tensors) for tensors in zip(*parts, strict=True)]


def _first_places(mask: Tensor, number: int) -> Tensor:
    """(M, number) places of the first ones of each row of ``mask`` (M, n); the last place where there are fewer."""
    n = mask.shape[1]
    # From 1, and 0 elsewhere, which is written to the front and cut off.
    rank = mask.cumsum(1).masked_fill_(~mask, 0).clamp_(max=number + 1)
    places = torch.full((len(mask), number + 2), n - 1, device=mask.device)
    places.scatter_(1, rank, torch.arange(n, device=mask.device).expand(len(mask), -1))
    return places[:, 1:-1].contiguous()


def bucket_sizes(sizes: Tensor) -> tuple[tuple[int, int], ...]:
    """At most MAX_BUCKETS runs of the ascending ``sizes``, cut where the padding saved is largest."""
    widths = sizes.clamp(min=1)
    least = 0.04 * float(widths.sum())  # below this a further product costs more than its padding
    cuts = [0, len(widths)]
    for _ in range(MAX_BUCKETS - 1):
        best, saved = None, least
        for start, end in pairwise(cuts):
            if end - start > 1:
                kept = torch.arange(1, end - start)
                gain = kept * (widths[end - 1] - widths[start : end - 1])
                at = int(gain.argmax())
                if float(gain[at]) > saved:
                    best, saved = start + at + 1, float(gain[at])
        if best is None:
            break
        cuts = sorted([*cuts, best])
    return tuple((end - start, int(widths[end - 1])) for start, end in pairwise(cuts))
