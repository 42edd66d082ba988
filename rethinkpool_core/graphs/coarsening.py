"""Coarsening by matchings: matched pairs become nodes, joined where any of their members were."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from rethinkpool_core.graphs.hashing import hash64
from rethinkpool_core.graphs.matching import complement_matching, graph_matching
from rethinkpool_core.graphs.structure import Structure

Key = tuple[torch.Size, bytes, bytes]
"""What the coarse graphs of a dataset and a seed depend on: shape and content of the index, and the key of the draws."""


@dataclass(frozen=True)
class Coarsening:
    """Repeated coarsening of the graphs of one dataset by random matchings.

    kind    "graph": the matching runs on the edges; "complement": on the pairs of nodes without an edge
    levels  one number per coarsening, which keys its draws
    seed    () int64, the model's, or (R,), the replicas'
    cache   filled with what has been made, if given; for evaluation, where every epoch asks for the same
    """

    kind: str
    levels: range
    seed: Tensor
    cache: dict[Key, list[Structure]] | None = None

    def __call__(self, graphs: Structure, index: Tensor, rng_key: Tensor) -> list[Structure]:
        """Return the coarse graphs of each level, M R B per level.

        The matching of a graph is a function of the graph, its number, the seed, the level and ``rng_key``.

        graphs   all graphs of the dataset
        index    (M, R, B) on the host, the graphs to coarsen
        rng_key  () or (R,) int64
        """
        if self.cache is None:
            return self._coarsen(graphs, index, rng_key)
        key = index.shape, index.numpy().tobytes(), rng_key.cpu().numpy().tobytes()
        if key not in self.cache:
            self.cache[key] = self._coarsen(graphs, index, rng_key)
        return self.cache[key]

    def _coarsen(self, graphs: Structure, index: Tensor, rng_key: Tensor) -> list[Structure]:
        number = (index if graphs.ids is None else graphs.ids[index]).to(graphs.device)
        graph_key = hash64(self.seed.unsqueeze(-1), rng_key.unsqueeze(-1), number).flatten()
        graphs, coarse = graphs.select(index.flatten()), []
        for level in self.levels:
            node = torch.arange(len(graphs.graph), device=graphs.device)
            position = node - graphs.node_offsets.index_select(0, graphs.graph)
            key = hash64(position, level, after=graph_key.index_select(0, graphs.graph))
            u, v = graphs.edges()
            one_way = _one_direction(u, v) if graphs.symmetric else (u, v)
            if self.kind == "complement":
                partner = complement_matching(*one_way, graphs.graph, key)
            else:
                partner = graph_matching(*one_way, key)
            graphs = quotient(graphs, u, v, partner)
            coarse.append(graphs)
        return coarse


def _one_direction(u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Return the edges from the smaller to the larger number."""
    forward = torch.nonzero(u < v).squeeze(1)
    return u.index_select(0, forward), v.index_select(0, forward)


def quotient(graphs: Structure, u: Tensor, v: Tensor, partner: Tensor) -> Structure:
    """Return the graphs whose nodes are the pairs of a matching, in the order of their smaller members.

    u, v     (E,) sources and targets of the edges of ``graphs``, with nodes counted over all graphs
    partner  (N,) partner of each node, itself if single
    """
    N, device = len(partner), partner.device
    leader = torch.minimum(torch.arange(N, device=device), partner)
    leads = leader == torch.arange(N, device=device)
    first = torch.nonzero(leads).squeeze(1)
    cluster = (leads.cumsum(0) - 1).index_select(0, leader)
    num_nodes = torch.bincount(graphs.graph.index_select(0, first), minlength=len(graphs.num_nodes))

    # Each edge once, without self-loops.
    a, b = cluster.index_select(0, u), cluster.index_select(0, v)
    between = torch.nonzero(a != b).squeeze(1)
    count = max(len(first), 1)
    edge = (a.index_select(0, between) * count + b.index_select(0, between)).unique()
    a = edge // count
    coarse = Structure.from_edges(
        a, edge - a * count, num_nodes.cpu(), graphs.indices.dtype, graphs.symmetric
    )
    base = graphs.node_offsets.index_select(0, graphs.graph.index_select(0, first))
    members = torch.stack([first - base, partner.index_select(0, first) - base], 1)
    return replace(coarse, members=members.to(graphs.indices.dtype))
