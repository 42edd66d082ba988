"""Greedy maximal matching of nodes, on the edges of a graph or of its complement.

GRACLUS without edge weights visits the nodes in random order and pairs each with a random neighbour that is still free.
That is the greedy matching over the edges in a random order, and the parallel form here gives the same pairs as the
sequential one: in each round every edge that comes before all the edges it touches is taken, and the edges it touches
leave. Few rounds suffice, since the order is random; no loop runs over nodes or edges.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rethinkpool_core.datasets.ragged import offsets_from_sizes, repeat_ids
from rethinkpool_core.graphs.hashing import hash64

_LAST = torch.iinfo(torch.int64).max


def greedy_matching(u: Tensor, v: Tensor, order: Tensor, num_nodes: int) -> Tensor:
    """Partner of each node, (num_nodes,) int64, itself when single.

    u, v    (E,) the ends of the edges, in one direction or in both; without loops
    order   (E,) int64, smallest first; equal for the two directions of an edge. Edges that touch may share their order
            only if all of them share one node, which then keeps one of them
    """
    partner = torch.arange(num_nodes, device=u.device)
    free = torch.ones(num_nodes, dtype=torch.bool, device=u.device)
    while len(u):
        first = torch.full((num_nodes,), _LAST, device=u.device)
        first.scatter_reduce_(0, u, order, "amin").scatter_reduce_(0, v, order, "amin")
        taken = _where((order == _at(first, u)) & (order == _at(first, v)))
        a, b = _at(u, taken), _at(v, taken)
        partner[a] = b
        partner[b] = a
        ends = torch.cat([a, b])
        lost = ends[
            _at(partner, _at(partner, ends)) != ends
        ]  # of edges of equal order; another has the node now
        partner[lost] = lost
        free[ends] = False
        free[lost] = True
        left = _where(_at(free, u) & _at(free, v))
        u, v, order = _at(u, left), _at(v, left), _at(order, left)
    return partner


def _where(condition: Tensor) -> Tensor:
    return torch.nonzero(condition).squeeze(1)


def _at(values: Tensor, index: Tensor) -> Tensor:
    """values[index], in a quarter of the time on a CPU."""
    return values.index_select(0, index)


def visiting_order(u: Tensor, v: Tensor, key: Tensor) -> Tensor:
    """Order of edges when nodes are visited by ``key`` (N,) and each takes a random free neighbour.

    When a node is visited and still free, every neighbour visited before it is taken: an edge counts for the earlier of
    its ends, and among the edges of one node the order is random.
    """
    rank = torch.empty_like(key)
    rank[key.argsort()] = torch.arange(len(key), device=key.device)
    earlier = torch.minimum(_at(rank, u), _at(rank, v))
    of_u, of_v = _at(key, u), _at(key, v)
    chance = hash64(torch.minimum(of_u, of_v), torch.maximum(of_u, of_v))
    return earlier << 32 | (chance & 0xFFFFFFFF)


def graph_matching(u: Tensor, v: Tensor, key: Tensor) -> Tensor:
    """GRACLUS: a maximal matching on the edges (E,), of which either direction is one.

    On directed graphs (SMNIST) the release visits the targets of a node's edges only.
    """
    return greedy_matching(u, v, visiting_order(u, v, key), len(key))


def complement_matching(u: Tensor, v: Tensor, graph: Tensor, key: Tensor) -> Tensor:
    """COMPLEMENT: a maximal matching on pairs of nodes of the same graph that no edge joins.

    u, v (E,) the edges, of which either direction is one; graph (N,) ascending, key (N,)

    The complement is never listed where it is large. While a graph's free nodes have few edges among them, they are
    paired at random and the pairs without an edge, three in four or more on average, are kept: memory O(N + E). Once more
    than a quarter of their pairs are edges, or few are left, the remaining pairs are listed: at most 4 E + 16 a graph.
    Pairs come in random order, so this is a random greedy matching, but not the one that visits node by node.
    """
    num_nodes, num_graphs = len(key), int(graph[-1]) + 1 if len(graph) else 0
    partner = torch.arange(num_nodes, device=key.device)
    edges = torch.minimum(u, v) * num_nodes + torch.maximum(u, v)
    if bool((edges.diff() <= 0).any()):
        edges = edges.unique()
    u = edges // max(num_nodes, 1)
    v = edges - u * num_nodes
    free, turn = torch.arange(num_nodes, device=key.device), 0
    is_free = torch.ones(num_nodes, dtype=torch.bool, device=key.device)
    while len(free):
        of_free = _at(graph, free)
        count = torch.bincount(of_free, minlength=num_graphs)
        both_free = _where(_at(is_free, u) & _at(is_free, v))
        u, v = _at(u, both_free), _at(v, both_free)
        induced = torch.bincount(_at(graph, u), minlength=num_graphs)
        listed = _at(count * (count - 1) // 2 <= 4 * induced + 16, of_free)
        last, free = _at(free, _where(listed)), _at(free, _where(~listed))
        if len(last):
            a, b = _without(edges, *_pairs(last, graph), num_nodes)
            joined = greedy_matching(a, b, visiting_order(a, b, key), num_nodes)
            partner[last] = _at(joined, last)
            is_free[last] = False
        if len(free):
            turn += 1
            shuffled = _at(free, hash64(_at(key, free), turn).argsort())
            shuffled = _at(shuffled, _at(graph, shuffled).argsort(stable=True))
            of_free = _at(graph, free)  # ascending, and so the graphs of the shuffled nodes
            count = torch.bincount(of_free, minlength=num_graphs)
            place = torch.arange(len(free), device=key.device) - _at(offsets_from_sizes(count), of_free)
            # Pairs start at even places within each graph.
            first = _where((place[:-1] % 2 == 0) & (of_free[:-1] == of_free[1:]))
            a, b = _without(edges, _at(shuffled, first), _at(shuffled, first + 1), num_nodes)
            partner[a], partner[b] = b, a
            is_free[a] = is_free[b] = False
            free = _at(free, _where(_at(is_free, free)))
    return partner


def _pairs(nodes: Tensor, graph: Tensor) -> tuple[Tensor, Tensor]:
    """All pairs of ``nodes`` (ascending) in the same graph."""
    of_node = _at(graph, nodes)
    end = torch.searchsorted(of_node, of_node, right=True)
    place = torch.arange(len(nodes), device=nodes.device)
    following = end - place - 1
    before = offsets_from_sizes(following)
    first = repeat_ids(following, int(before[-1]))
    offset = torch.arange(len(first), device=nodes.device) - _at(before, first)
    return _at(nodes, first), _at(nodes, first + 1 + offset)


def _without(edges: Tensor, a: Tensor, b: Tensor, num_nodes: int) -> tuple[Tensor, Tensor]:
    """The pairs (a, b) that are not among the sorted codes ``edges``, smaller end first."""
    if not len(edges):
        return a, b
    code = torch.minimum(a, b) * num_nodes + torch.maximum(a, b)
    at = torch.searchsorted(edges, code).clamp(max=len(edges) - 1)
    absent = _where(_at(edges, at) != code)
    return _at(a, absent), _at(b, absent)
