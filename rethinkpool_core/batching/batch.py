"""Batches with ragged rows and fixed shapes, gathered by index from a packed store.

The nodes of a batch stand one graph after the other without gaps. When a fixed shape is asked for, what is missing is filled with
nodes and edges of one dummy graph behind the last real one (the way jraph pads), so that several replicas, each with
graphs of its own, have batches of one shape. Products that need one matrix a graph (S^T X) copy rows to `Buckets`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial

import torch
from torch import Tensor
from torch.nn import functional as F

from rethinkpool_core.batching.buckets import Buckets, make_buckets, make_many_buckets
from rethinkpool_core.batching.padded import PaddedBatches
from rethinkpool_core.batching.shapes import GrowingShapes
from rethinkpool_core.graphs.adjacency import SparseAdjacency
from rethinkpool_core.graphs.coarsening import Coarsening
from rethinkpool_core.graphs.structure import Structure

# Nodes and edges of the batches that are made together: what stays in a CPU's cache, and what keeps a GPU busy.
_ENTRIES_AT_ONCE = {"cpu": 1 << 19, "gpu": 1 << 22}


@dataclass(frozen=True)
class Batch:
    """R replicas of B graphs with N rows and E edges each, one replica after the other as if they were one batch.

    tensors
        x           (R N, F)  encoded node features; int64 (R N, 9) for molecules of OGB
        y           (R B,)    labels (int64) or targets (float)
        num_nodes   (R B,)    int64
        graph_id    (R B,)    the graph's number in its dataset
        graph       (R N,)    the row's graph, where each replica has B + 1: the last one is for padding
        position    (R N,)    the node's place in its graph, counted from 0
        node_id     (R N,)    the node's number in the dataset; for padding, the number of its nodes
        pointer     (R (B + 1) + 1,)  first row of each of these graphs, and R N
        indices, indptr, indices_t, indptr_t    the adjacency matrix and its transpose, see `SparseAdjacency`
        edge_attr   (R E, C)  int64, in the order of `indices` (molecules of OGB only)
        rng_key        () or (R,)  int64, 0 in evaluation, else a number that is new every epoch: keys whatever a model draws anew
        precomputed/...  terms of pooling layers with fixed assignments, see `engine.precomputed`
        1/...       structure of the coarse graphs where the builder was asked for them, and 2/... of theirs, see `coarse`
        members     (R N, 2)  in a coarse batch: rows of the batch below that became one, a single one twice
        place       (rows,)   the inverse, of each row of the batch below, see `pair_maximum`
    replicas
        R
    builder
        that gathered the batch
    width
        nodes of the largest graph
    padded
        whether there are rows for padding
    find_buckets
        makes `blocks`; None in a coarse batch, whose model needs none
    """

    tensors: dict[str, Tensor]
    replicas: int
    builder: BatchBuilder
    width: int
    padded: bool
    find_buckets: Callable[[], Buckets] | None

    def __getattr__(self, name: str) -> Tensor:
        try:
            return self.__dict__["tensors"][name]
        except KeyError:
            raise AttributeError(name) from None

    def with_tensors(self, tensors: dict[str, Tensor]) -> Batch:
        return replace(self, tensors=tensors)

    @property
    def num_graphs(self) -> int:
        """Of all replicas, R B."""
        return self.tensors["y"].shape[0]

    @property
    def num_rows(self) -> int:
        """Of all replicas, R N."""
        return self.tensors["graph"].shape[0]

    @property
    def real(self) -> Tensor:
        """(R N,) whether a row is a node."""
        kinds = self.num_graphs // self.replicas + 1
        return self.graph % kinds != kinds - 1

    @property
    def buckets(self) -> Buckets:
        """Where the rows of each graph stand when it has a padded matrix of its own."""
        return self.find_buckets()

    def coarse(self, level: int) -> Batch:
        """The batch that ``level`` coarsenings make of this one, without features."""
        tensors = {name: self.tensors[name] for name in ("y", "graph_id", "rng_key")}
        return replace(self, tensors=tensors | self._under(f"{level}/"), padded=True, find_buckets=None)

    def _under(self, prefix: str) -> dict[str, Tensor]:
        return {key.removeprefix(prefix): t for key, t in self.tensors.items() if key.startswith(prefix)}

    def coarsened(self, coarsening: Coarsening) -> Batch:
        """The batch with its coarse graphs, made now unless the builder has been asked for them."""
        return self if "1/members" in self.tensors else self.builder.coarsened(self, coarsening)

    @property
    def A(self) -> SparseAdjacency:
        """A[i, j] = 1 for an edge from row i to row j."""
        t = self.tensors
        return SparseAdjacency(t["indices"], t["indptr"], t["indices_t"], t["indptr_t"])

    @property
    def membership(self) -> SparseAdjacency:
        """(R (B + 1), R N): a product sums the rows of each graph, the padding of each replica included."""
        rows = torch.arange(self.num_rows + 1, device=self.graph.device)
        return SparseAdjacency(rows[:-1], self.pointer, self.graph, rows)

    def graph_sum(self, rows: Tensor) -> Tensor:
        """(R N, D) -> (R B, D)."""
        sums = (self.membership @ rows).view(self.replicas, -1, rows.shape[-1])
        return sums[:, :-1].reshape(self.num_graphs, -1)

    def graph_mean(self, rows: Tensor) -> Tensor:
        """(R N, D) -> (R B, D); a graph without nodes has mean zero."""
        return self.graph_sum(rows) / self.num_nodes.clamp(min=1).unsqueeze(-1)

    def broadcast_to_nodes(self, values: Tensor) -> Tensor:
        """(R B, D) to the rows of each graph, (R N, D); padding takes zeros."""
        values = F.pad(values.view(self.replicas, -1, values.shape[-1]), (0, 0, 0, 1))
        return self.membership.T @ values.flatten(0, 1)


class BatchBuilder:
    """Gathers batches of a dataset; holds its packed tensors on the device."""

    def __init__(self, dataset, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32):
        store = dataset.store
        self.dataset, self.device, self.dtype = dataset, torch.device(device), dtype
        # Behind the nodes, what padding has for features: nothing of it reaches a graph, but it has to be finite.
        self.x = torch.cat([store.x, store.x.new_zeros(1, store.x.shape[1])]).to(device)
        self.y = store.y.to(device)
        self.edge_attr = None if store.edge_attr is None else store.edge_attr.to(device)
        self.graphs = Structure.of_store(store, self.device)

    def __call__(
        self,
        index: Tensor,
        *,
        rng_key: Tensor | int = 0,
        num_rows: int = 0,
        num_edges: int = 0,
        coarsening: Coarsening | None = None,
    ) -> Batch:
        """The batch of graphs ``index``, (B,) for one replica or (R, B) for R side by side.

        rng_key                  () or (R,)
        num_rows, num_edges   least sizes of the padded shape
        coarsening            of the model or models, for its coarse graphs
        """
        index = index.cpu().reshape(1, -1, index.shape[-1])
        return next(self._gather(index, rng_key, coarsening, None, num_rows, num_edges))

    def batches(
        self,
        order: Tensor,
        size: int,
        *,
        rng_key: Tensor | int = 0,
        coarsening: Coarsening | None = None,
        shapes: GrowingShapes | None = None,
    ) -> Iterator[Batch]:
        """The graphs ``order``, (n,) or (R, n), in batches of ``size``, as `__call__` would make them one by one.

        With ``shapes`` they are padded so that few shapes occur.
        """
        order = order.cpu().reshape(-1, order.shape[-1])
        R, n = order.shape
        entries = int(self.graphs.num_nodes[order].sum() + self.graphs.num_edges[order].sum())
        bound = _ENTRIES_AT_ONCE["cpu" if self.device.type == "cpu" else "gpu"]
        at_once = size * max(1, bound * n // (max(entries, 1) * size))
        whole = n - n % size
        for part in (*order[:, :whole].split(at_once, 1), order[:, whole:]):
            if part.shape[1]:
                index = part.reshape(R, -1, min(size, part.shape[1])).transpose(0, 1)
                yield from self._gather(index, rng_key, coarsening, shapes)

    def coarsened(self, batch: Batch, coarsening: Coarsening) -> Batch:
        """``batch`` with its coarse graphs."""
        index = batch.graph_id.cpu().view(1, batch.replicas, -1)
        rows, edges = (len(t) // batch.replicas for t in (batch.graph, batch.indices))
        base = PaddedBatches(self.graphs, index, rows, edges)
        (coarse,) = _coarse_tensors(coarsening(self.graphs, index, batch.rng_key), index, base)
        return batch.with_tensors(batch.tensors | coarse)

    def _gather(
        self,
        index: Tensor,
        rng_key,
        coarsening: Coarsening | None,
        shapes: GrowingShapes | None,
        num_rows: int = 0,
        num_edges: int = 0,
    ) -> Iterator[Batch]:
        """The batches of graphs ``index`` (M, R, B)."""
        index = index.gather(2, self.graphs.num_nodes[index].argsort(dim=2, stable=True))
        replicas, rng_key = index.shape[1], torch.as_tensor(rng_key, dtype=torch.int64).to(self.device)
        if shapes is not None:
            num_rows, num_edges = shapes.rows_and_edges(0, self.graphs, index)
        base = PaddedBatches(self.graphs, index, num_rows, num_edges)
        coarse = [{}] * len(index)
        if coarsening is not None:
            coarse = _coarse_tensors(coarsening(self.graphs, index, rng_key), index, base, shapes)
        if shapes is None:
            find_buckets = _buckets(base)
        elif coarsening is None:
            find_buckets = _fixed_buckets(base, shapes)
        else:  # matchings need none
            find_buckets = [None] * len(index)
        index = index.to(self.device).flatten(1)
        y = self.y[index].to(self.dtype) if self.y.is_floating_point() else self.y[index]
        for number, (row, edge) in enumerate(
            zip(base.by_row(base.row), base.by_edge(base.edge), strict=True)
        ):
            tensors = base.of_batch(number) | coarse[number]
            tensors |= {
                "y": y[number],
                "graph_id": index[number],
                "rng_key": rng_key,
                "node_id": row,
                "x": self._encode(self.x.index_select(0, row)),
            }
            if self.edge_attr is not None:
                tensors["edge_attr"] = self.edge_attr.index_select(0, edge).long()
            width, padded = int(base.sizes[number].max()), base.padded[number]
            yield Batch(tensors, replicas, self, width, padded, find_buckets[number])

    def _encode(self, x: Tensor) -> Tensor:
        from rethinkpool_core.datasets.features import encode

        x = encode(x, self.dataset)
        return x.to(self.dtype) if x.is_floating_point() else x


def _buckets(base: PaddedBatches) -> list[Callable[[], Buckets]]:
    """What makes the blocks of each batch."""
    of_batches = map(base.of_batch, range(len(base.sizes)))
    return [
        cache(partial(make_buckets, sizes, tensors["graph"], tensors["position"]))
        for sizes, tensors in zip(base.sizes, of_batches, strict=True)
    ]


def _fixed_buckets(base: PaddedBatches, shapes: GrowingShapes) -> list[Callable[[], Buckets]]:
    """As `_buckets`, of batches of one shape, which are made together and have blocks of one shape."""
    flat = (
        torch.stack([base.of_batch(m)[name] for m in range(len(base.sizes))])
        for name in ("graph", "position")
    )
    blocks = make_many_buckets(base.sizes, *flat, *shapes.groups_and_empties(base.sizes))
    return [partial(blocks.__getitem__, number) for number in range(len(blocks))]


def _coarse_tensors(
    levels: list[Structure], index: Tensor, base: PaddedBatches, shapes: GrowingShapes | None = None
) -> list[dict[str, Tensor]]:
    """For each of M batches of graphs ``index`` (M, R, B), its coarse graphs' tensors."""
    numbered = torch.arange(index.numel()).view(index.shape)
    tensors: list[dict[str, Tensor]] = [{} for _ in index]
    for level, graphs in enumerate(levels, start=1):
        least = (0, 0) if shapes is None else shapes.rows_and_edges(level, graphs, numbered)
        base = PaddedBatches(graphs, numbered, *least, below=base)
        for number, of_batch in enumerate(tensors):
            of_batch |= {f"{level}/{name}": value for name, value in base.of_batch(number).items()}
    return tensors
