"""Greedy maximal matching of nodes, on the edges of a graph or of its complement.

GRACLUS without edge weights visits the nodes in random order and pairs each with a random neighbour that is still free.
That is the greedy matching over the edges in a random order, and the parallel form here gives the same pairs as the
sequential one: in each round every edge that comes before all the edges it touches is taken, and the edges it touches
leave. Few rounds suffice, since the order is random; no loop runs over nodes or edges.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rethinkpool_core.ops.hashing import hash64

_LAST = torch.iinfo(torch.int64).max


def greedy_matching(u: Tensor, v: Tensor, order: Tensor, num_nodes: int) -> Tensor:
    """Partner of each node, (num_nodes,) int64, itself when single.

    u, v    (E,) the ends of the edges, in one direction or in both; without loops
    order   (E,) int64, smallest first; equal for the two directions of an edge. Edges that touch may share their order
            only if all of them share one node, which then keeps one of them
    """
    partner = torch.arange(num_nodes, device=u.device)
    while len(u):
        first = torch.full((num_nodes,), _LAST, device=u.device)
        first.scatter_reduce_(0, torch.cat([u, v]), torch.cat([order, order]), "amin")
        taken = (order == first[u]) & (order == first[v])
        partner[u[taken]] = v[taken]
        partner[v[taken]] = u[taken]
        ends = torch.cat([u[taken], v[taken]])
        lost = ends[partner[partner[ends]] != ends]  # edges of equal order: one of them has the node now
        partner[lost] = lost
        free = (partner[u] == u) & (partner[v] == v)
        u, v, order = u[free], v[free], order[free]
    return partner


def visiting_order(u: Tensor, v: Tensor, key: Tensor) -> Tensor:
    """Order of edges when nodes are visited by ``key`` (N,) and each takes a random free neighbour.

    When a node is visited and still free, every neighbour visited before it is taken: an edge counts for the earlier of
    its ends, and among the edges of one node the order is random.
    """
    rank = torch.empty_like(key)
    rank[key.argsort()] = torch.arange(len(key), device=key.device)
    earlier = torch.minimum(rank[u], rank[v])
    chance = hash64(torch.minimum(key[u], key[v]), torch.maximum(key[u], key[v]))
    return earlier << 32 | (chance & 0xFFFFFFFF)


def graph_matching(u: Tensor, v: Tensor, graph: Tensor, key: Tensor) -> Tensor:
    """GRACLUS: a maximal matching on the edges, of which either direction is one. ``graph`` is not needed.

    On directed graphs (SMNIST) the release visits the targets of a node's edges only.
    """
    distinct = u != v
    u, v = u[distinct], v[distinct]
    return greedy_matching(u, v, visiting_order(u, v, key), len(key))


def complement_matching(u: Tensor, v: Tensor, graph: Tensor, key: Tensor) -> Tensor:
    """COMPLEMENT: a maximal matching on pairs of nodes of the same graph that no edge joins.

    The complement is never listed where it is large. While a graph's free nodes have few edges among them, they are
    paired at random and the pairs without an edge, three in four or more on average, are kept: memory O(N + E). Once more
    than a quarter of their pairs are edges, or few are left, the remaining pairs are listed: at most 4 E + 16 a graph.
    Pairs come in random order, so this is a random greedy matching, but not the one that visits node by node.
    """
    num_nodes, num_graphs = len(key), int(graph.max()) + 1 if len(graph) else 0
    partner = torch.arange(num_nodes, device=key.device)
    distinct = u != v
    u, v = u[distinct], v[distinct]
    edges = torch.cat([u * num_nodes + v, v * num_nodes + u]).unique()
    u, v = edges // max(num_nodes, 1), edges % max(num_nodes, 1)
    free, turn = torch.arange(num_nodes, device=key.device), 0
    while len(free):
        count = torch.bincount(graph[free], minlength=num_graphs)
        both_free = (partner[u] == u) & (partner[v] == v)
        u, v = u[both_free], v[both_free]
        induced = torch.bincount(graph[u], minlength=num_graphs) // 2
        listed = count * (count - 1) // 2 <= 4 * induced + 16
        last, free = free[listed[graph[free]]], free[~listed[graph[free]]]
        if len(last):
            a, b = _pairs(last, graph)
            a, b = _without(edges, a, b, num_nodes)
            _join(partner, greedy_matching(a, b, visiting_order(a, b, key), num_nodes))
        if len(free):
            turn += 1
            shuffled = free[hash64(key[free], turn).argsort()]
            shuffled = shuffled[graph[shuffled].argsort(stable=True)]
            # Pairs start at even places within each graph.
            starts = torch.bincount(graph[shuffled], minlength=num_graphs).cumsum(0) - torch.bincount(
                graph[shuffled], minlength=num_graphs
            )
            place = torch.arange(len(shuffled), device=key.device) - starts[graph[shuffled]]
            first = torch.nonzero(
                (place[:-1] % 2 == 0) & (graph[shuffled[:-1]] == graph[shuffled[1:]])
            ).squeeze(1)
            a, b = _without(edges, shuffled[first], shuffled[first + 1], num_nodes)
            partner[a], partner[b] = b, a
            free = free[partner[free] == free]
    return partner


def _join(partner: Tensor, more: Tensor) -> None:
    paired = more != torch.arange(len(more), device=more.device)
    partner[paired] = more[paired]


def _pairs(nodes: Tensor, graph: Tensor) -> tuple[Tensor, Tensor]:
    """All pairs of ``nodes`` (ascending) in the same graph."""
    end = torch.searchsorted(graph[nodes].contiguous(), graph[nodes].contiguous(), right=True)
    place = torch.arange(len(nodes), device=nodes.device)
    following = end - place - 1
    first = torch.repeat_interleave(place, following)
    offset = torch.arange(len(first), device=nodes.device) - torch.repeat_interleave(
        following.cumsum(0) - following, following
    )
    return nodes[first], nodes[first + 1 + offset]


def _without(edges: Tensor, a: Tensor, b: Tensor, num_nodes: int) -> tuple[Tensor, Tensor]:
    """The pairs (a, b) that are not among the sorted codes ``edges``."""
    if not len(edges):
        return a, b
    code = a * num_nodes + b
    at = torch.searchsorted(edges, code).clamp(max=len(edges) - 1)
    absent = edges[at] != code
    return a[absent], b[absent]
