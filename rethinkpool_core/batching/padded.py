"""Many batches at once as ragged rows of fixed shapes: small operations cost per epoch what they would cost per batch."""

from __future__ import annotations

import torch
from torch import Tensor

from rethinkpool_core.datasets.ragged import offsets_from_sizes, repeat_ids
from rethinkpool_core.graphs.structure import Structure


class PaddedBatches:
    """The structure of M batches of B graphs for each of R replicas.

    All replicas of a batch have as many rows, and as many edges; what one of them lacks is a dummy graph's, behind the others.
    Flat tensors hold batch after batch, and in each replica after replica, its dummy graph included.

    graphs, index   which graphs, (M, R, B) on the host, of a `Structure`
    least_rows, least_edges
                    of every batch
    below           where these are coarse graphs, the batches of the graphs that became them

    row, edge       number of each row and edge in the structure; for padding, the number of its nodes, and 0
    padded          (M,) whether there are padding rows
    """

    def __init__(
        self,
        graphs: Structure,
        index: Tensor,
        least_rows: int = 0,
        least_edges: int = 0,
        below: PaddedBatches | None = None,
    ):
        self.device, self.replicas = graphs.device, index.shape[1]
        self.sizes, edges = graphs.num_nodes[index], graphs.num_edges[index]
        taken, used = self.sizes.sum(2), edges.sum(2)
        # A batch of graphs without nodes has a row all the same, of padding: nothing meets a tensor without rows.
        rows, self.num_edges = (
            taken.amax(1).clamp(min=max(1, least_rows)),
            used.amax(1).clamp(min=least_edges),
        )
        # Padding edges need a padding node to hang on.
        self.num_rows = rows + ((taken == rows[:, None]) & (used < self.num_edges[:, None])).any(1)
        self.padded = (taken < self.num_rows[:, None]).any(1).tolist()
        index = index.to(self.device)
        self._rows = _Places(self.sizes, self.num_rows, graphs.node_offsets[index])
        self._edges = _Places(edges, self.num_edges, graphs.edge_offsets[index])
        self.row, self.edge = self._rows.source, self._edges.source
        if self._rows.real is not None:
            self.row = torch.where(self._rows.real, self.row, len(graphs.indptr))
        self._tensors = {
            "num_nodes": self.sizes.to(self.device).flatten(1).unbind(),
            "pointer": self._ends(self._rows.first, self.num_rows).unbind(),
            "graph": self.by_row(self._rows.graph),
            "position": self.by_row(self._rows.position),
        } | self._adjacency(graphs)
        if below is not None:
            self._tensors |= self._members(graphs.members, below)

    def of_batch(self, number: int) -> dict[str, Tensor]:
        """The tensors of one batch, named as in `Batch`."""
        return {name: values[number] for name, values in self._tensors.items()}

    def by_row(self, flat: Tensor) -> list[Tensor]:
        """Of a tensor with an entry a row: one view (R N, ...) a batch."""
        return flat.split((self.num_rows * self.replicas).tolist())

    def by_edge(self, flat: Tensor) -> list[Tensor]:
        """Of a tensor with an entry an edge: one view (R E, ...) a batch."""
        return flat.split((self.num_edges * self.replicas).tolist())

    def _ends(self, first: Tensor, sizes: Tensor) -> Tensor:
        """(M, n) first places in a batch, and R times the (M,) sizes behind them."""
        return torch.cat([first, (sizes * self.replicas).to(self.device).unsqueeze(1)], 1)

    def _adjacency(self, graphs: Structure) -> dict[str, list[Tensor]]:
        rows, edges, R = self._rows, self._edges, self.replicas
        # By graph, what is added to numbers that count from 0 in each. Padding edges join a replica's last row to itself.
        dummies = slice(rows.dummy, None, rows.dummy + 1)
        first_row, first_edge = rows.first.clone(), edges.first.flatten()
        last = torch.arange(1, R + 1, device=self.device) * self.num_rows.to(self.device).unsqueeze(1) - 1
        first_row[:, dummies] = last
        first_row = first_row.flatten().index_select(0, edges.part)
        first_edge = first_edge.index_select(0, rows.part)
        # Each batch has an offset more than it has rows.
        sizes = self.num_rows * R
        place = rows.place + rows.batch
        ends = offsets_from_sizes(sizes.to(self.device) + 1)[1:] - 1

        def one_way(indices: Tensor, indptr: Tensor) -> tuple[list[Tensor], list[Tensor]]:
            padded = torch.empty(len(place) + len(ends), dtype=torch.int64, device=self.device)
            padded[place] = rows.take(indptr) + first_edge
            padded[ends] = (self.num_edges * R).to(self.device)
            return self.by_edge(edges.take(indices) + first_row), padded.split((sizes + 1).tolist())

        forward = one_way(graphs.indices, graphs.indptr)
        both = *forward, *(forward if graphs.symmetric else one_way(graphs.indices_t, graphs.indptr_t))
        return dict(zip(("indices", "indptr", "indices_t", "indptr_t"), both, strict=True))

    def _members(self, members: Tensor, below: PaddedBatches) -> dict[str, list[Tensor]]:
        rows = self._rows
        first = below._rows.first.clone()
        first[:, rows.dummy :: rows.dummy + 1] = 0
        members = rows.take(members) + first.flatten().index_select(0, rows.part).unsqueeze(1)
        # Its inverse; what padding writes goes behind the end.
        rows_below = (below.num_rows * self.replicas).to(self.device)
        pairs = (self.num_rows * self.replicas).to(self.device)
        total = int((below.num_rows * self.replicas).sum())
        place = torch.cat([2 * pairs.index_select(0, repeat_ids(rows_below, total)), pairs[:1]])
        row = members + offsets_from_sizes(rows_below).index_select(0, rows.batch).unsqueeze(1)
        row = row if rows.real is None else torch.where(rows.real.unsqueeze(1), row, total)
        pair = rows.place - offsets_from_sizes(pairs).index_select(0, rows.batch)
        place[row[:, 1]] = pair + pairs.index_select(0, rows.batch)
        place[row[:, 0]] = pair  # a single node's only one
        return {"members": self.by_row(members), "place": below.by_row(place[:-1])}


class _Places:
    """Of each place in the padded batches, flat.

    place     its number
    part      its graph: which of the M R (B + 1), dummies included
    batch     which of the M
    graph     its graph in the batch: which of the R (B + 1)
    position  counted in the graph
    source    its number in the structure, 0 for padding
    real      whether it is no padding; None if nothing is
    first     (M, R (B + 1)) first place of each graph, counted in its batch
    dummy     B
    """

    def __init__(self, sizes: Tensor, totals: Tensor, first: Tensor):
        """Graphs of ``sizes`` (M, R, B) and dummies that fill up to ``totals`` (M,); ``first`` numbers in the structure."""
        device, self.dummy = first.device, sizes.shape[2]
        sizes = torch.cat([sizes, totals[:, None, None] - sizes.sum(2, keepdim=True)], 2)
        self.first = offsets_from_sizes(sizes.flatten(1))[:, :-1].to(device)
        begin = offsets_from_sizes(sizes.flatten())[:-1].to(device)
        total, graphs = int(sizes.sum()), sizes[0].numel()
        self.place = torch.arange(total, device=device)
        self.part = repeat_ids(sizes.flatten().to(device), total)
        number = torch.arange(len(begin), device=device)
        self.batch = (number // graphs).index_select(0, self.part)
        self.graph = (number % graphs).index_select(0, self.part)
        self.position = self.place - begin.index_select(0, self.part)
        shift = torch.nn.functional.pad(first, (0, 1)).flatten() - begin
        self.source, self.real = self.place + shift.index_select(0, self.part), None
        if bool(sizes[..., self.dummy].any()):
            self.real = (number % (self.dummy + 1) != self.dummy).index_select(0, self.part)
            self.source = torch.where(self.real, self.source, 0)

    def take(self, values: Tensor) -> Tensor:
        """An entry of ``values`` for each place, zero for padding."""
        if self.real is None:
            return values.index_select(0, self.source)
        if not len(values):
            return values.new_zeros(len(self.source), *values.shape[1:])
        real = self.real.view(-1, *[1] * (values.dim() - 1))
        return torch.where(real, values.index_select(0, self.source), 0)
