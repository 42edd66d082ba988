"""Many batches at once as ragged rows of fixed shapes: small operations cost per epoch what they would cost per batch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from rethinkpool_core.datasets.ragged import offsets_from_sizes, repeat_ids
from rethinkpool_core.graphs.structure import Structure


class PaddedBatches:
    """The structure of M batches of B graphs for each of R replicas.

    All replicas of a batch have as many rows, and as many edges; what one of them lacks belongs to a dummy graph behind its
    others. Flat tensors hold batch after batch and, within a batch, replica after replica, dummy graphs included.

    graphs, index   the graphs ``index``, (M, R, B) on the host, of a `Structure`
    min_rows, min_edges
                    least numbers per replica in every batch
    below           where these are coarse graphs, the batches of the graphs they were made of

    node, edge      number in the structure of each row's node and of each edge; number of all nodes, and 0, for padding
    padded          (M,) whether a batch has padding rows
    """

    def __init__(
        self,
        graphs: Structure,
        index: Tensor,
        min_rows: int = 0,
        min_edges: int = 0,
        below: PaddedBatches | None = None,
    ):
        self.device, self.replicas = graphs.device, index.shape[1]
        self.sizes, edges = graphs.num_nodes[index], graphs.num_edges[index]
        num_nodes, num_edges = self.sizes.sum(2), edges.sum(2)  # (M, R)
        # A batch of graphs without nodes has a row all the same, of padding: nothing meets a tensor without rows.
        num_rows = num_nodes.amax(1).clamp(min=max(1, min_rows))
        self.num_edges = num_edges.amax(1).clamp(min=min_edges)
        # Padding edges join a padding row to itself.
        needs_row = (num_nodes == num_rows[:, None]) & (num_edges < self.num_edges[:, None])
        self.num_rows = num_rows + needs_row.any(1)
        self.padded = (num_nodes < self.num_rows[:, None]).any(1).tolist()
        index = index.to(self.device)
        self._rows = _Entries(self.sizes, self.num_rows, graphs.node_offsets[index])
        self._edges = _Entries(edges, self.num_edges, graphs.edge_offsets[index])
        self.node, self.edge = self._rows.source, self._edges.source
        if self._rows.real is not None:
            self.node = torch.where(self._rows.real, self.node, len(graphs.indptr))
        self._tensors = {
            "num_nodes": self.sizes.to(self.device).flatten(1).unbind(),
            "pointer": self._with_end(self._rows.first, self.num_rows).unbind(),
            "graph": self.split_rows(self._rows.graph),
            "position": self.split_rows(self._rows.position),
        } | self._adjacency(graphs, spread=min_edges > 0)
        if below is not None:
            self._tensors |= self._members(graphs.members, below)

    def tensors(self, number: int) -> dict[str, Tensor]:
        """Return the tensors of one batch, named as in `Batch`."""
        return {name: values[number] for name, values in self._tensors.items()}

    def split_rows(self, flat: Tensor) -> list[Tensor]:
        """Return one view (R N, ...) per batch of a tensor with one entry per row."""
        return flat.split((self.num_rows * self.replicas).tolist())

    def split_edges(self, flat: Tensor) -> list[Tensor]:
        """Return one view (R E, ...) per batch of a tensor with one entry per edge."""
        return flat.split((self.num_edges * self.replicas).tolist())

    def _with_end(self, first: Tensor, sizes: Tensor) -> Tensor:
        """Append R times the (M,) sizes to the (M, n) first entries of the graphs of each batch."""
        return torch.cat([first, (sizes * self.replicas).to(self.device).unsqueeze(1)], 1)

    def _adjacency(self, graphs: Structure, spread: bool) -> dict[str, list[Tensor]]:
        """Return the adjacency matrices.

        Padding edges are loops: of a replica's last row or, if ``spread``, of all its padding rows, since a row with many of
        them can take a GPU as long as all others.
        """
        rows, edges, R = self._rows, self._edges, self.replicas
        # What is added to the numbers of rows and edges, which the structure counts from 0 in each graph.
        first_row, first_edge = rows.first.clone(), edges.first.flatten()
        if not spread:
            last_row = self.num_rows.to(self.device).unsqueeze(1) * torch.arange(1, R + 1, device=self.device)
            first_row[:, rows.dummies] = last_row - 1
        first_row = first_row.flatten().index_select(0, edges.segment)
        first_edge = first_edge.index_select(0, rows.segment)
        if spread and edges.real is not None:
            # Of p loops on q rows: loop j is of row floor(((j + 1) q - 1) / p), and row k begins with loop floor(k p / q).
            loops, padding = edges.padding.flatten(), rows.padding.flatten()
            replica = edges.segment // (self.sizes.shape[2] + 1)
            row = ((edges.position + 1) * _take(padding, replica) - 1) // _take(loops, replica).clamp(min=1)
            first_row = torch.where(edges.real, first_row, first_row + row)
            replica = rows.segment // (self.sizes.shape[2] + 1)
            loop = rows.position * _take(loops, replica) // _take(padding, replica).clamp(min=1)
            first_edge = torch.where(rows.real, first_edge, first_edge + loop)
        # A batch has one offset more than it has rows.
        num_offsets = self.num_rows * R + 1
        at = rows.index + rows.batch
        end = offsets_from_sizes(num_offsets.to(self.device))[1:] - 1

        def one_way(indices: Tensor, indptr: Tensor) -> tuple[list[Tensor], list[Tensor]]:
            padded = torch.empty(len(at) + len(end), dtype=torch.int64, device=self.device)
            padded[at] = rows.gather(indptr) + first_edge
            padded[end] = (self.num_edges * R).to(self.device)
            return self.split_edges(edges.gather(indices) + first_row), padded.split(num_offsets.tolist())

        forward = one_way(graphs.indices, graphs.indptr)
        both = *forward, *(forward if graphs.symmetric else one_way(graphs.indices_t, graphs.indptr_t))
        return dict(zip(("indices", "indptr", "indices_t", "indptr_t"), both, strict=True))

    def _members(self, members: Tensor, below: PaddedBatches) -> dict[str, list[Tensor]]:
        rows = self._rows
        first = below._rows.first.clone()
        first[:, rows.dummies] = 0
        members = rows.gather(members) + first.flatten().index_select(0, rows.segment).unsqueeze(1)
        # The inverse; what padding writes goes behind the end.
        rows_below = (below.num_rows * self.replicas).to(self.device)
        pairs = (self.num_rows * self.replicas).to(self.device)
        total = int((below.num_rows * self.replicas).sum())
        inverse = torch.cat([2 * pairs.index_select(0, repeat_ids(rows_below, total)), pairs[:1]])
        row = members + offsets_from_sizes(rows_below).index_select(0, rows.batch).unsqueeze(1)
        row = row if rows.real is None else torch.where(rows.real.unsqueeze(1), row, total)
        pair = rows.index - offsets_from_sizes(pairs).index_select(0, rows.batch)
        inverse[row[:, 1]] = pair + pairs.index_select(0, rows.batch)
        inverse[row[:, 0]] = pair  # of a single node the only entry
        return {"members": self.split_rows(members), "inverse_members": below.split_rows(inverse[:-1])}


def _take(values: Tensor, index: Tensor) -> Tensor:
    return values.index_select(0, index)


class _Entries:
    """The rows, or the edges, of padded batches, flat.

    index     number of each entry
    segment   graph of each entry, counted over all batches: which of the M R (B + 1), dummies included
    batch     batch of each entry: which of the M
    graph     graph of each entry, counted in its batch: which of the R (B + 1)
    position  of each entry, counted in its graph
    source    number of each entry in the structure, 0 for padding
    real      whether an entry is not padding; None if none is
    first     (M, R (B + 1)) first entry of each graph, counted in its batch
    dummies   the graphs of a batch that hold padding, as a slice
    padding   (M, R) number of entries in each of them
    """

    def __init__(self, sizes: Tensor, totals: Tensor, source: Tensor):
        """Lay out graphs of ``sizes`` (M, R, B) and dummies that fill up to ``totals`` (M,).

        source  (M, R, B) number in the structure of each graph's first entry
        """
        device, B = source.device, sizes.shape[2]
        self.dummies = slice(B, None, B + 1)
        padding = totals[:, None] - sizes.sum(2)
        self.padding = padding.to(device)
        sizes = torch.cat([sizes, padding.unsqueeze(2)], 2)
        self.first = offsets_from_sizes(sizes.flatten(1))[:, :-1].to(device)
        begin = offsets_from_sizes(sizes.flatten())[:-1].to(device)
        total, graphs = int(sizes.sum()), sizes[0].numel()
        self.index = torch.arange(total, device=device)
        self.segment = repeat_ids(sizes.flatten().to(device), total)
        number = torch.arange(len(begin), device=device)
        self.batch = (number // graphs).index_select(0, self.segment)
        self.graph = (number % graphs).index_select(0, self.segment)
        self.position = self.index - begin.index_select(0, self.segment)
        shift = F.pad(source, (0, 1)).flatten() - begin
        self.source, self.real = self.index + shift.index_select(0, self.segment), None
        if bool(sizes[..., B].any()):
            self.real = (number % (B + 1) != B).index_select(0, self.segment)
            self.source = torch.where(self.real, self.source, 0)

    def gather(self, values: Tensor) -> Tensor:
        """Return the value in the structure for each entry, zero for padding."""
        if self.real is None:
            return values.index_select(0, self.source)
        if not len(values):
            return values.new_zeros(len(self.source), *values.shape[1:])
        real = self.real.view(-1, *[1] * (values.dim() - 1))
        return torch.where(real, values.index_select(0, self.source), 0)
