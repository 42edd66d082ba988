"""The nodes and edges of many graphs, one graph after the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from rethinkpool_core.datasets.ragged import offsets_from_sizes, ranges, repeat_ids

_EDGES_PER_CHUNK = 1 << 18  # of a store: what is sorted at once, as int64, stays in the cache


@dataclass(frozen=True, eq=False)
class Structure:
    """Adjacency of G graphs with N nodes and E edges in all: those of a dataset, or coarse graphs of many batches.

    Nodes and edges are counted from 0 in each graph.

    num_nodes, num_edges  (G,)    int64, on the host: shapes are decided without waiting for the device
    indices               (E,)    target of each edge, edges sorted by source, then target; int16, or int32 for large graphs
    indptr                (N,)    first edge of each node, int32
    indices_t, indptr_t           the same for the transpose; for undirected graphs the very same tensors
    ids                   (G,)    numbers of the graphs, which key what is drawn for them; None for 0, 1, 2, ...
    members               (N, 2)  in coarse graphs: members of a node in the graph below, the smaller first, a single one twice
    """

    num_nodes: Tensor
    num_edges: Tensor
    indices: Tensor
    indptr: Tensor
    indices_t: Tensor
    indptr_t: Tensor
    members: Tensor | None = None
    ids: Tensor | None = None

    @property
    def symmetric(self) -> bool:
        """Whether all graphs are undirected."""
        return self.indices_t is self.indices

    @property
    def device(self) -> torch.device:
        return self.indices.device

    @cached_property
    def node_offsets(self) -> Tensor:
        """First node of each graph, and N: (G + 1,)."""
        return offsets_from_sizes(self.num_nodes).to(self.device)

    @cached_property
    def edge_offsets(self) -> Tensor:
        """First edge of each graph, and E: (G + 1,)."""
        return offsets_from_sizes(self.num_edges).to(self.device)

    @cached_property
    def graph(self) -> Tensor:
        """Graph of each node, (N,) int64."""
        return repeat_ids(self.num_nodes.to(self.device), len(self.indptr))

    def edges(self) -> tuple[Tensor, Tensor]:
        """Return sources and targets of all edges, (E,) int64 each, with nodes counted over all graphs."""
        first = self.indptr + self.edge_offsets[self.graph]
        degree = torch.cat([first, first.new_full((1,), len(self.indices))]).diff()
        u = repeat_ids(degree, len(self.indices))
        return u, self.indices + self.node_offsets[self.graph].index_select(0, u)

    def select(self, index: Tensor) -> Structure:
        """Return the graphs ``index`` (on the host), in that order and with repetitions."""
        nodes, edges = self.num_nodes[index], self.num_edges[index]
        index = index.to(self.device)
        node = ranges(self.node_offsets[index], nodes)
        edge = ranges(self.edge_offsets[index], edges)
        one_way = self.indices.index_select(0, edge), self.indptr.index_select(0, node)
        both = one_way
        if not self.symmetric:
            both = self.indices_t.index_select(0, edge), self.indptr_t.index_select(0, node)
        return Structure(nodes, edges, *one_way, *both)

    @classmethod
    def from_edges(
        cls, u: Tensor, v: Tensor, num_nodes: Tensor, dtype: torch.dtype, symmetric: bool | None = None
    ) -> Structure:
        """Return graphs with the given edges, each of which lies within one graph.

        u, v       (E,) sources and targets, sorted by source, then target; nodes are counted over all graphs
        num_nodes  (G,), on the host
        dtype      of the indices
        symmetric  whether every edge is there in both directions; None to find out
        """
        device, N = u.device, int(num_nodes.sum())
        node_offsets = offsets_from_sizes(num_nodes).to(device)
        graph = repeat_ids(num_nodes.to(device), N)
        num_edges = torch.bincount(graph.index_select(0, u), minlength=len(num_nodes))
        edge_offsets = offsets_from_sizes(num_edges)

        def adjacency(u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
            indices = v - node_offsets.index_select(0, graph.index_select(0, u))
            degree = torch.bincount(u, minlength=N)
            indptr = offsets_from_sizes(degree)[:-1] - edge_offsets.index_select(0, graph)
            return indices.to(dtype), indptr.to(torch.int32)

        one_way = both = adjacency(u, v)
        if not symmetric:
            by_target, order = v.sort(stable=True)
            back = u.index_select(0, order)
            if symmetric is not None or not (torch.equal(by_target, u) and torch.equal(back, v)):
                both = adjacency(by_target, back)
        return cls(num_nodes, num_edges.cpu(), *one_way, *both)

    @classmethod
    def from_store(cls, store, device: torch.device) -> Structure:
        """Return the graphs of a `GraphStore`."""
        chunks, first = [], 0
        while first < store.num_graphs:
            until = torch.searchsorted(store.edge_offsets, store.edge_offsets[first] + _EDGES_PER_CHUNK)
            last = min(max(int(until), first + 1), store.num_graphs)
            edges = slice(int(store.edge_offsets[first]), int(store.edge_offsets[last]))
            nodes = store.num_nodes[first:last]
            base = torch.repeat_interleave(offsets_from_sizes(nodes)[:-1], store.num_edges[first:last])
            u, v = store.edge_index[:, edges] + base
            chunks.append(cls.from_edges(u, v, nodes, store.edge_index.dtype))
            first = last
        one_way = [torch.cat([getattr(c, name) for c in chunks]).to(device) for name in ("indices", "indptr")]
        both = one_way
        if not all(chunk.symmetric for chunk in chunks):
            both = [
                torch.cat([getattr(c, name) for c in chunks]).to(device) for name in ("indices_t", "indptr_t")
            ]
        return cls(store.num_nodes, store.num_edges, *one_way, *both)
