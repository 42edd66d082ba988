"""Coarse graphs of matchings: pairs become nodes, joined where any of their members were."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from rethinkpool_core.graphs.hashing import hash64
from rethinkpool_core.graphs.matching import complement_matching, graph_matching
from rethinkpool_core.graphs.structure import Structure


@dataclass(frozen=True)
class Coarsening:
    """How models coarsen their graphs, again and again.

    kind    "graph": the matching runs on the edges; "complement": on the pairs without an edge
    levels  a number for each time, which keys its draws
    seed    () int64, the model's, or (R,), the replicas'
    kept    takes what has been made, for further calls with the same graphs, if these draw the same
    """

    kind: str
    levels: range
    seed: Tensor
    kept: dict[bytes, list[Structure]] | None = None

    def __call__(self, graphs: Structure, index: Tensor, rng_key: Tensor) -> list[Structure]:
        """The coarse graphs of each level, M R B a level, of the graphs ``index``, (M, R, B) on the host.

        A graph's matching is a function of (seed, level, rng_key, number) and of the graph. rng_key: () or (R,) int64
        """
        name = index.numpy().tobytes()
        if self.kept is not None and name in self.kept:
            return self.kept[name]
        number = index.to(graphs.device)
        of_graph = hash64(self.seed.unsqueeze(-1), rng_key.unsqueeze(-1), number).flatten()
        coarse = self._coarsen(graphs.select(index.flatten()), of_graph)
        if self.kept is not None:
            self.kept[name] = coarse
        return coarse

    def _coarsen(self, graphs: Structure, of_graph: Tensor) -> list[Structure]:
        match = complement_matching if self.kind == "complement" else graph_matching
        coarse = []
        for level in self.levels:
            node = torch.arange(len(graphs.graph), device=graphs.device)
            position = node - graphs.node_offsets.index_select(0, graphs.graph)
            key = hash64(position, level, after=of_graph.index_select(0, graphs.graph))
            u, v = graphs.edges()
            partner = match(*(_one_direction(u, v) if graphs.symmetric else (u, v)), graphs.graph, key)
            graphs = quotient(graphs, u, v, partner)
            coarse.append(graphs)
        return coarse


def _one_direction(u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    forward = torch.nonzero(u < v).squeeze(1)
    return u.index_select(0, forward), v.index_select(0, forward)


def quotient(graphs: Structure, u: Tensor, v: Tensor, partner: Tensor) -> Structure:
    """The graphs whose nodes are the pairs of a matching, in the order of their smaller members.

    u, v     (E,) the edges
    partner  (N,) of each node, itself when single; nodes numbered through
    """
    N, device = len(partner), partner.device
    leader = torch.minimum(torch.arange(N, device=device), partner)
    leads = leader == torch.arange(N, device=device)
    first = torch.nonzero(leads).squeeze(1)
    cluster = (leads.cumsum(0) - 1).index_select(0, leader)
    num_nodes = torch.bincount(graphs.graph.index_select(0, first), minlength=len(graphs.num_nodes))

    # Edges once each, without loops.
    a, b = cluster.index_select(0, u), cluster.index_select(0, v)
    between = torch.nonzero(a != b).squeeze(1)
    count = max(len(first), 1)
    edge = (a.index_select(0, between) * count + b.index_select(0, between)).unique()
    a = edge // count
    coarse = Structure.of_edges(a, edge - a * count, num_nodes.cpu(), graphs.indices.dtype, graphs.symmetric)
    base = graphs.node_offsets.index_select(0, graphs.graph.index_select(0, first))
    members = torch.stack([first - base, partner.index_select(0, first) - base], 1)
    return replace(coarse, members=members.to(graphs.indices.dtype))
