"""Batches with ragged rows and fixed shapes, gathered by index from a packed store.

The nodes of a batch stand one graph after the other without gaps. When a fixed shape is asked for, what is missing is filled with
nodes and edges of one dummy graph behind the last real one (the way jraph pads), so that several replicas, each with
graphs of its own, have batches of one shape. Graphs stand in ascending order of size: products that need one matrix a graph
(S^T X) run over a few groups of graphs padded to the largest of their group, not of the batch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor

from rethinkpool_core.ops.incidence import Incidence

MAX_GROUPS = 4


@dataclass(frozen=True)
class Batch:
    """B graphs, N rows, E edges; every tensor may have a leading replica axis until `torch.func.vmap` takes it away.

    tensors
        x           (N, F)    encoded node features; int64 (N, 9) for molecules of OGB
        y           (B,)      labels (int64) or targets (float)
        num_nodes   (B,)      int64
        graph_id    (B,)      the graph's number in its dataset
        graph       (N,)      number of the row's graph in the batch, B for padding
        position    (N,)      the node's place in its graph, counted from 0
        pointer     (B + 2,)  first row of each graph, of the dummy graph, and N
        columns, offsets, columns_t, offsets_t    the adjacency matrix and its transpose, see `Incidence`
        slot, slot_offsets    where each row stands in the padded groups, see `groups`
        edge_attr   (E, C)    int64, in the order of `columns` (molecules of OGB only)
        draw        ()        int64, 0 in evaluation, else a number that is new every epoch: keys whatever a model draws anew
    groups
        (graphs, width) of each group: the padded copy of rows is the concatenation of (graphs * width, D) blocks
    padded
        whether the dummy graph may have nodes
    """

    tensors: dict[str, Tensor]
    groups: tuple[tuple[int, int], ...]
    padded: bool

    def __getattr__(self, name: str) -> Tensor:
        try:
            return self.__dict__["tensors"][name]
        except KeyError:
            raise AttributeError(name) from None

    def with_tensors(self, tensors: dict[str, Tensor]) -> Batch:
        return replace(self, tensors=tensors)

    @property
    def num_graphs(self) -> int:
        return self.tensors["y"].shape[-1]

    @property
    def num_rows(self) -> int:
        return self.tensors["graph"].shape[-1]

    @property
    def width(self) -> int:
        """Nodes of the largest graph, of all replicas' if there are several."""
        return max(width for _, width in self.groups)

    @property
    def A(self) -> Incidence:
        """A[i, j] = 1 for an edge from row i to row j."""
        t = self.tensors
        return Incidence(t["columns"], t["offsets"], t["columns_t"], t["offsets_t"])

    @property
    def membership(self) -> Incidence:
        """(B + 1, N): a product sums the rows of each graph; the last row is the dummy graph's."""
        rows = torch.arange(self.num_rows + 1, device=self.graph.device)
        return Incidence(rows[:-1], self.pointer, self.graph, rows)

    @property
    def slots(self) -> Incidence:
        """(slots + 1, N): a product copies rows to their place in the padded groups; padding goes to the last row."""
        rows = torch.arange(self.num_rows + 1, device=self.graph.device)
        return Incidence(rows[:-1], self.slot_offsets, self.slot, rows)

    def to_groups(self, rows: Tensor) -> list[Tensor]:
        """(N, D) -> one (graphs, width, D) a group, zero where a graph has fewer nodes."""
        flat = self.slots @ rows
        blocks, start = [], 0
        for graphs, width in self.groups:
            blocks.append(flat[start : start + graphs * width].view(graphs, width, -1))
            start += graphs * width
        return blocks

    def from_groups(self, blocks: list[Tensor]) -> Tensor:
        """Inverse of `to_groups`: (N, D), zero in padding rows."""
        flat = [block.reshape(-1, block.shape[-1]) for block in blocks]
        return self.slots.T @ torch.cat([*flat, flat[0].new_zeros(1, flat[0].shape[-1])])

    @property
    def nodes_per_graph(self) -> float:
        """Rows over graphs: a number of the shape, the same for all replicas."""
        return self.num_rows / self.num_graphs

    def graph_sum(self, rows: Tensor) -> Tensor:
        """(N, D) -> (B, D)."""
        return (self.membership @ rows)[:-1]

    def graph_mean(self, rows: Tensor) -> Tensor:
        """(N, D) -> (B, D); a graph without nodes has mean zero."""
        return self.graph_sum(rows) / self.num_nodes.clamp(min=1).unsqueeze(-1)


class BatchBuilder:
    """Gathers batches of a dataset; holds its packed tensors on the device."""

    def __init__(self, dataset, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32):
        store = dataset.store
        self.dataset, self.device, self.dtype = dataset, torch.device(device), dtype
        self.x = store.x.to(device)
        self.y = store.y.to(device)
        self.edge_attr = None if store.edge_attr is None else store.edge_attr.to(device)
        self.targets = store.edge_index[1].to(device)
        self.node_offsets = store.node_offsets.to(device)
        self.edge_offsets = store.edge_offsets.to(device)
        # Shapes are decided on the host: no wait for the device to learn the size of a batch.
        self.num_nodes, self.num_edges = store.num_nodes, store.num_edges
        sources = store.edge_index[0].long() + torch.repeat_interleave(
            store.node_offsets[:-1], store.num_edges
        )
        self.degree = torch.bincount(sources, minlength=store.x.shape[0]).to(torch.int32).to(device)
        self.symmetric = _is_symmetric(store)

    def __call__(
        self, index: Tensor, *, draw: Tensor | int = 0, num_rows: int = 0, num_edges: int = 0
    ) -> Batch:
        """The batch of graphs ``index``, (B,) for one replica or (R, B) for R side by side.

        ``num_rows`` and ``num_edges`` are least sizes of the padded shape.
        """
        single = index.dim() == 1
        index = index.cpu().reshape(1, -1) if single else index.cpu()
        index = index.gather(1, self.num_nodes[index].argsort(dim=1, stable=True))
        nodes, edges = self.num_nodes[index], self.num_edges[index]  # (R, B)
        R = index.shape[0]
        total_nodes, total_edges = nodes.sum(1), edges.sum(1)
        N, E = max(num_rows, int(total_nodes.max())), max(num_edges, int(total_edges.max()))
        # Padding edges need a padding node to hang on.
        if bool(((total_nodes == N) & (total_edges < E)).any()):
            N += 1
        groups = _groups(nodes.amax(0))
        device = self.device
        index, nodes, edges = index.to(device), nodes.to(device), edges.to(device)

        pointer = _starts(nodes, N)  # (R, B + 2)
        graph, position, real = _rows(pointer, N)
        row = torch.where(real, _pick(self.node_offsets[index], graph) + position, 0)
        degree = torch.where(real, self.degree[row], 0)
        offsets = torch.zeros(R, N + 1, dtype=torch.int64, device=device)
        torch.cumsum(degree, 1, out=offsets[:, 1:])
        offsets[:, -1] = E

        edge_pointer = _starts(edges, E)
        edge_graph, edge_position, edge_real = _rows(edge_pointer, E)
        edge = torch.where(edge_real, _pick(self.edge_offsets[index], edge_graph) + edge_position, 0)
        columns = torch.where(edge_real, self.targets[edge] + _pick(pointer, edge_graph), N - 1)
        if self.symmetric:
            columns_t, offsets_t = columns, offsets
        else:
            columns_t, offsets_t = transpose(columns, offsets)

        slots = sum(count * width for count, width in groups)
        firsts, before = [], 0
        for count, width in groups:
            firsts += range(before, before + count * width, width)
            before += count * width
        slot_start = torch.tensor([*firsts, slots], device=device)  # (B + 1,)
        slot = torch.where(real, slot_start[graph] + position, slots)
        slot_offsets = torch.searchsorted(
            slot, torch.arange(slots + 2, device=device).expand(R, -1).contiguous()
        )

        x = self.x[row]
        tensors = {
            "x": self._encode(x, real),
            "y": self.y[index] if not self.y.is_floating_point() else self.y[index].to(self.dtype),
            "num_nodes": nodes, "graph_id": index, "graph": graph, "position": position, "pointer": pointer,
            "columns": columns, "offsets": offsets, "columns_t": columns_t, "offsets_t": offsets_t,
            "slot": slot, "slot_offsets": slot_offsets,
        }  # fmt: skip
        if self.edge_attr is not None:
            tensors["edge_attr"] = self.edge_attr[edge].long()
        if single:
            tensors = {name: value[0] for name, value in tensors.items()}
        draw = torch.as_tensor(draw, dtype=torch.int64)
        tensors["draw"] = (draw if single or draw.dim() else draw.expand(R)).to(device)
        return Batch(tensors, groups, padded=bool((total_nodes < N).any()))

    def _encode(self, x: Tensor, real: Tensor) -> Tensor:
        from rethinkpool_core.data.features import encode

        x = encode(x, self.dataset)
        x = x.to(self.dtype) if x.is_floating_point() else x
        return torch.where(real.unsqueeze(-1), x, torch.zeros((), dtype=x.dtype, device=x.device))


def transpose(columns: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor]:
    """CSR of the transpose of square 0/1 matrices, (R, E) and (R, N + 1)."""
    N, E = offsets.shape[-1] - 1, columns.shape[-1]
    rows = torch.searchsorted(offsets[..., 1:].contiguous(), _range(E, columns), right=True)
    sorted_columns, order = columns.sort(dim=-1, stable=True)
    return rows.gather(-1, order), torch.searchsorted(sorted_columns, _range(N + 1, columns))


def _range(n: int, like: Tensor) -> Tensor:
    return torch.arange(n, device=like.device).expand(*like.shape[:-1], n).contiguous()


def _starts(sizes: Tensor, total: int) -> Tensor:
    """(R, B) sizes -> (R, B + 2): where each part begins, where the dummy begins, and ``total``."""
    starts = torch.zeros(sizes.shape[0], sizes.shape[1] + 2, dtype=torch.int64, device=sizes.device)
    torch.cumsum(sizes, 1, out=starts[:, 1:-1])
    starts[:, -1] = total
    return starts


def _rows(pointer: Tensor, total: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of each of ``total`` rows: its part (B for padding), its place in the part, whether it is real."""
    row = _range(total, pointer)
    part = torch.searchsorted(pointer[:, 1:-1].contiguous(), row, right=True)
    return part, row - pointer.gather(1, part), row < pointer[:, -2:-1]


def _pick(values: Tensor, part: Tensor) -> Tensor:
    """values[r, part[r, j]], where a part past the end takes the last one (its rows are masked)."""
    return values.gather(1, part.clamp(max=values.shape[1] - 1))


def _groups(sizes: Tensor) -> tuple[tuple[int, int], ...]:
    """At most MAX_GROUPS runs of the ascending ``sizes`` (B,), cut where the padding saved is largest."""
    widths = sizes.clamp(min=1).tolist()
    cuts = [0, len(widths)]
    for _ in range(MAX_GROUPS - 1):
        best, saved = None, 0.15 * sum(widths)  # below this a further product costs more than its padding
        for start, end in pairwise(cuts):
            for cut in range(start + 1, end):
                gain = (cut - start) * (widths[end - 1] - widths[cut - 1])
                if gain > saved:
                    best, saved = cut, gain
        if best is None:
            break
        cuts = sorted([*cuts, best])
    return tuple((end - start, widths[end - 1]) for start, end in pairwise(cuts))


def _is_symmetric(store) -> bool:
    """Whether every edge is stored in both directions, in which case a matrix is its own transpose."""
    few = min(
        store.num_graphs, 1000
    )  # enough to tell for nearest-neighbour graphs, the only large directed ones
    return all(_symmetric_up_to(store, graphs) for graphs in (few, store.num_graphs))


def _symmetric_up_to(store, graphs: int) -> bool:
    graph = torch.repeat_interleave(torch.arange(graphs), store.num_edges[:graphs])
    u, v = store.edge_index[:, : len(graph)].long()
    stride = max(store.max_nodes, 1)
    forward = (graph * stride + u) * stride + v  # ascending: the store keeps edges sorted
    backward = ((graph * stride + v) * stride + u).sort().values
    return bool(torch.equal(forward, backward))
