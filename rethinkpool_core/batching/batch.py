"""Batches with ragged rows and fixed shapes, gathered by index from a packed store.

The nodes of a batch stand one graph after the other without gaps. When a fixed shape is asked for, what is missing is filled
with nodes and edges of one dummy graph behind the last real one (as in jraph), so that replicas with graphs of their own have
batches of one shape. Products that need one matrix per graph, such as S^T X, copy the rows to `Buckets`.
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
from rethinkpool_core.datasets.dataset import GraphDataset
from rethinkpool_core.datasets.features import encode
from rethinkpool_core.graphs.adjacency import SparseAdjacency
from rethinkpool_core.graphs.coarsening import Coarsening
from rethinkpool_core.graphs.structure import Structure

# Nodes and edges of the batches that are made at once: what stays in a CPU's cache, and what keeps a GPU busy.
_ENTRIES_AT_ONCE = {"cpu": 1 << 19, "gpu": 1 << 22}


@dataclass(frozen=True)
class Batch:
    """R replicas of B graphs with N rows and E edges each, one replica after the other as if they were one batch.

    tensors
        x           (R N, F)  encoded node features; int64 (R N, 9) for molecules of OGB
        y           (R B,)    labels (int64) or targets (float)
        num_nodes   (R B,)    int64
        graph_id    (R B,)    number of each graph in the dataset
        graph       (R N,)    graph of each row, where each replica has B + 1: the last one is the dummy for padding
        position    (R N,)    position of the node in its graph, counted from 0
        node_id     (R N,)    number of the node in the dataset; for padding, the number of its nodes
        pointer     (R (B + 1) + 1,)  first row of each of these graphs, and R N
        indices, indptr, indices_t, indptr_t    the adjacency matrix and its transpose, see `SparseAdjacency`
        edge_attr   (R E, C)  int64, in the order of `indices` (molecules of OGB only)
        rng_key     () or (R,)  int64, 0 in evaluation, else a number that is new every epoch: keys all random draws of a model
        precomputed/...  terms of pooling layers with fixed assignments, see `engine.precomputed`
        1/...       structure of the coarse graphs if the builder was asked for them, 2/... of theirs, see `coarse`
        members     (R N, 2)  in a coarse batch: the rows of the batch below that became one, a single one twice
        inverse_members  (rows below,)  the inverse, see `pair_maximum`
    replicas
        R
    builder
        that gathered the batch
    max_nodes
        nodes of the largest graph
    padded
        whether there are padding rows
    find_buckets
        makes `buckets`; None in batches for models that pool by matchings, which need none
    """

    tensors: dict[str, Tensor]
    replicas: int
    builder: BatchBuilder
    max_nodes: int
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
        """Number of graphs of all replicas, R B."""
        return self.tensors["y"].shape[0]

    @property
    def num_rows(self) -> int:
        """Number of rows of all replicas, R N."""
        return self.tensors["graph"].shape[0]

    @property
    def real(self) -> Tensor:
        """(R N,) whether a row is a node, not padding."""
        dummy = self.num_graphs // self.replicas
        return self.graph % (dummy + 1) != dummy

    @property
    def buckets(self) -> Buckets:
        """Where the rows of each graph go when it has a padded matrix of its own."""
        return self.find_buckets()

    def coarse(self, level: int) -> Batch:
        """Return the batch after ``level`` coarsenings, without features."""
        prefix = f"{level}/"
        tensors = {key.removeprefix(prefix): t for key, t in self.tensors.items() if key.startswith(prefix)}
        tensors |= {name: self.tensors[name] for name in ("y", "graph_id", "rng_key")}
        return replace(self, tensors=tensors, padded=True, find_buckets=None)

    def coarsened(self, coarsening: Coarsening) -> Batch:
        """Return the batch with its coarse graphs, which are made now unless the builder was asked for them."""
        return self if "1/members" in self.tensors else self.builder.coarsened(self, coarsening)

    @property
    def A(self) -> SparseAdjacency:
        """Adjacency matrix, with A[i, j] = 1 for an edge from row i to row j."""
        t = self.tensors
        return SparseAdjacency(t["indices"], t["indptr"], t["indices_t"], t["indptr_t"])

    @property
    def membership(self) -> SparseAdjacency:
        """The matrix (R (B + 1), R N) that sums the rows of each graph, dummies included."""
        rows = torch.arange(self.num_rows + 1, device=self.graph.device)
        return SparseAdjacency(rows[:-1], self.pointer, self.graph, rows)

    def graph_sum(self, rows: Tensor) -> Tensor:
        """Sum the rows of each graph: (R N, D) -> (R B, D)."""
        sums = (self.membership @ rows).view(self.replicas, -1, rows.shape[-1])
        return sums[:, :-1].reshape(self.num_graphs, -1)

    def graph_mean(self, rows: Tensor) -> Tensor:
        """Average the rows of each graph: (R N, D) -> (R B, D); zero for a graph without nodes."""
        return self.graph_sum(rows) / self.num_nodes.clamp(min=1).unsqueeze(-1)

    def broadcast_to_nodes(self, values: Tensor) -> Tensor:
        """Copy the values of each graph to its rows: (R B, D) -> (R N, D); zero for padding."""
        values = F.pad(values.view(self.replicas, -1, values.shape[-1]), (0, 0, 0, 1))
        return self.membership.T @ values.flatten(0, 1)


class BatchBuilder:
    """Builder of the batches of a dataset, whose packed tensors it holds on the device."""

    def __init__(
        self, dataset: GraphDataset, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
    ):
        store = dataset.store
        self.dataset, self.device, self.dtype = dataset, torch.device(device), dtype
        # The last row is the features of padding: they reach no graph, but have to be finite.
        self.x = torch.cat([store.x, store.x.new_zeros(1, store.x.shape[1])]).to(device)
        self.y = store.y.to(device)
        self.edge_attr = None if store.edge_attr is None else store.edge_attr.to(device)
        self.graphs = Structure.from_store(store, self.device)

    def __call__(
        self,
        index: Tensor,
        *,
        rng_key: Tensor | int = 0,
        num_rows: int = 0,
        num_edges: int = 0,
        coarsening: Coarsening | None = None,
    ) -> Batch:
        """Return the batch of the graphs ``index``, (B,) for one replica or (R, B) for R side by side.

        rng_key              () or (R,)
        num_rows, num_edges  least sizes of the padded shape, per replica
        coarsening           if given, the batch comes with its coarse graphs
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
        """Yield the graphs ``order``, (n,) or (R, n), in batches of ``size``, equal to those of `__call__`.

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
        """Return ``batch`` with its coarse graphs."""
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
        """Yield the M batches of the graphs ``index`` (M, R, B), those of a batch sorted by size."""
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
        nodes, edges = base.split_rows(base.node), base.split_edges(base.edge)
        for number, (node, edge) in enumerate(zip(nodes, edges, strict=True)):
            tensors = base.tensors(number) | coarse[number]
            tensors |= {
                "y": y[number],
                "graph_id": index[number],
                "rng_key": rng_key,
                "node_id": node,
                "x": self._encode(self.x.index_select(0, node)),
            }
            if self.edge_attr is not None:
                tensors["edge_attr"] = self.edge_attr.index_select(0, edge).long()
            max_nodes, padded = int(base.sizes[number].max()), base.padded[number]
            yield Batch(tensors, replicas, self, max_nodes, padded, find_buckets[number])

    def _encode(self, x: Tensor) -> Tensor:
        x = encode(x, self.dataset)
        return x.to(self.dtype) if x.is_floating_point() else x


def _buckets(base: PaddedBatches) -> list[Callable[[], Buckets]]:
    """Return functions that make the buckets of each batch, once, when they are asked for."""
    tensors = map(base.tensors, range(len(base.sizes)))
    return [
        cache(partial(make_buckets, sizes, of_batch["graph"], of_batch["position"]))
        for sizes, of_batch in zip(base.sizes, tensors, strict=True)
    ]


def _fixed_buckets(base: PaddedBatches, shapes: GrowingShapes) -> list[Callable[[], Buckets]]:
    """Return the same for batches of one shape, whose buckets have one shape and are made at once."""
    tensors = [base.tensors(number) for number in range(len(base.sizes))]
    graph, position = (torch.stack([t[name] for t in tensors]) for name in ("graph", "position"))
    buckets = make_many_buckets(base.sizes, graph, position, *shapes.buckets(base.sizes))
    return [partial(buckets.__getitem__, number) for number in range(len(buckets))]


def _coarse_tensors(
    levels: list[Structure], index: Tensor, base: PaddedBatches, shapes: GrowingShapes | None = None
) -> list[dict[str, Tensor]]:
    """Return the tensors of the coarse graphs for each of the M batches of graphs ``index`` (M, R, B)."""
    numbered = torch.arange(index.numel()).view(index.shape)
    tensors: list[dict[str, Tensor]] = [{} for _ in index]
    for level, graphs in enumerate(levels, start=1):
        least = (0, 0) if shapes is None else shapes.rows_and_edges(level, graphs, numbered)
        base = PaddedBatches(graphs, numbered, *least, below=base)
        for number, of_batch in enumerate(tensors):
            of_batch |= {f"{level}/{name}": value for name, value in base.tensors(number).items()}
    return tensors
