"""Greedy maximal matching of nodes, on the edges of a graph or of its complement.

GRACLUS without edge weights visits the nodes in random order and pairs each with a random neighbour that is still free.
That is the greedy matching over the edges in a random order. The parallel form here finds the same pairs as the sequential
one: in each round it takes every edge that comes before all edges it shares a node with, and drops those. Few rounds
suffice, since the order is random; no loop runs over nodes or edges.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rethinkpool_core.datasets.ragged import offsets_from_sizes, repeat_ids
from rethinkpool_core.graphs.hashing import hash64

_LAST = torch.iinfo(torch.int64).max


def greedy_matching(u: Tensor, v: Tensor, order: Tensor, num_nodes: int) -> Tensor:
    """Return the partner of each node, (num_nodes,) int64, itself if single.

    u, v    (E,) the ends of the edges, in one direction or in both; without self-loops
    order   (E,) int64, smallest first; equal for the two directions of an edge. Adjacent edges may have the same order
            only if all of them share one node, which then keeps one of them
    """
    partner = torch.arange(num_nodes, device=u.device)
    free = torch.ones(num_nodes, dtype=torch.bool, device=u.device)
    while len(u):
        first = torch.full((num_nodes,), _LAST, device=u.device)
        first.scatter_reduce_(0, u, order, "amin").scatter_reduce_(0, v, order, "amin")
        taken = _nonzero((order == _take(first, u)) & (order == _take(first, v)))
        a, b = _take(u, taken), _take(v, taken)
        partner[a] = b
        partner[b] = a
        ends = torch.cat([a, b])
        # Where edges of equal order shared a node, it is another one's partner now.
        lost = ends[_take(partner, _take(partner, ends)) != ends]
        partner[lost] = lost
        free[ends] = False
        free[lost] = True
        left = _nonzero(_take(free, u) & _take(free, v))
        u, v, order = _take(u, left), _take(v, left), _take(order, left)
    return partner


def _nonzero(condition: Tensor) -> Tensor:
    return torch.nonzero(condition).squeeze(1)


def _take(values: Tensor, index: Tensor) -> Tensor:
    """Return values[index], in a quarter of the time on a CPU."""
    return values.index_select(0, index)


def visiting_order(u: Tensor, v: Tensor, key: Tensor) -> Tensor:
    """Return the order of edges that visits nodes by ascending ``key`` (N,) and gives each a random free neighbour.

    When a node is visited and still free, every neighbour visited before it is taken. So an edge belongs to the earlier of
    its ends, and the order among the edges of one node is random.
    """
    rank = torch.empty_like(key)
    rank[key.argsort()] = torch.arange(len(key), device=key.device)
    earlier = torch.minimum(_take(rank, u), _take(rank, v))
    of_u, of_v = _take(key, u), _take(key, v)
    bits = hash64(torch.minimum(of_u, of_v), torch.maximum(of_u, of_v))
    return earlier << 32 | (bits & 0xFFFFFFFF)


def graph_matching(u: Tensor, v: Tensor, key: Tensor) -> Tensor:
    """Return a maximal matching on the edges (GRACLUS): the partner of each node, (N,), itself if single.

    On directed graphs (SMNIST), where the release visits the targets of a node's edges only, both directions count.

    u, v  (E,) the edges, in one direction or in both
    key   (N,) random int64: nodes are visited by ascending key
    """
    return greedy_matching(u, v, visiting_order(u, v, key), len(key))


def complement_matching(u: Tensor, v: Tensor, graph: Tensor, key: Tensor) -> Tensor:
    """Return a maximal matching on the pairs of nodes of one graph that no edge joins (COMPLEMENT), as `graph_matching`.

    The complement is never listed where it is large. While the free nodes of a graph have few edges among them, they are
    paired at random and the pairs without an edge, three in four or more on average, are kept: memory O(N + E). Once more
    than a quarter of their pairs are edges, or few nodes are left, the remaining pairs are listed: at most 4 E + 16 per graph.
    Pairs come in random order, so this is a random greedy matching, but not the one that visits node by node.

    u, v   (E,) the edges, in one direction or in both
    graph  (N,) graph of each node, ascending
    key    (N,) random int64
    """
    num_nodes, num_graphs = len(key), int(graph[-1]) + 1 if len(graph) else 0
    partner = torch.arange(num_nodes, device=key.device)
    edges = torch.minimum(u, v) * num_nodes + torch.maximum(u, v)
    if bool((edges.diff() <= 0).any()):
        edges = edges.unique()
    u = edges // max(num_nodes, 1)
    v = edges - u * num_nodes
    free, trial = torch.arange(num_nodes, device=key.device), 0
    is_free = torch.ones(num_nodes, dtype=torch.bool, device=key.device)
    while len(free):
        of_free = _take(graph, free)
        count = torch.bincount(of_free, minlength=num_graphs)
        both_free = _nonzero(_take(is_free, u) & _take(is_free, v))
        u, v = _take(u, both_free), _take(v, both_free)
        induced = torch.bincount(_take(graph, u), minlength=num_graphs)
        listed = _take(count * (count - 1) // 2 <= 4 * induced + 16, of_free)
        last, free = _take(free, _nonzero(listed)), _take(free, _nonzero(~listed))
        if len(last):
            a, b = _without(edges, *_pairs(last, graph), num_nodes)
            joined = greedy_matching(a, b, visiting_order(a, b, key), num_nodes)
            partner[last] = _take(joined, last)
            is_free[last] = False
        if len(free):
            trial += 1
            shuffled = _take(free, hash64(_take(key, free), trial).argsort())
            shuffled = _take(shuffled, _take(graph, shuffled).argsort(stable=True))
            of_free = _take(graph, free)  # ascending, and so the graphs of the shuffled nodes
            count = torch.bincount(of_free, minlength=num_graphs)
            position = torch.arange(len(free), device=key.device) - _take(offsets_from_sizes(count), of_free)
            # Pairs start at even positions within each graph.
            first = _nonzero((position[:-1] % 2 == 0) & (of_free[:-1] == of_free[1:]))
            a, b = _without(edges, _take(shuffled, first), _take(shuffled, first + 1), num_nodes)
            partner[a], partner[b] = b, a
            is_free[a] = is_free[b] = False
            free = _take(free, _nonzero(_take(is_free, free)))
    return partner


def _pairs(nodes: Tensor, graph: Tensor) -> tuple[Tensor, Tensor]:
    """Return all pairs of ``nodes`` (ascending) in the same graph."""
    of_node = _take(graph, nodes)
    end = torch.searchsorted(of_node, of_node, right=True)
    following = end - torch.arange(len(nodes), device=nodes.device) - 1
    before = offsets_from_sizes(following)
    first = repeat_ids(following, int(before[-1]))
    offset = torch.arange(len(first), device=nodes.device) - _take(before, first)
    return _take(nodes, first), _take(nodes, first + 1 + offset)


def _without(edges: Tensor, a: Tensor, b: Tensor, num_nodes: int) -> tuple[Tensor, Tensor]:
    """Return the pairs (a, b) that are not edges; ``edges`` has sorted codes u num_nodes + v, smaller end first."""
    if not len(edges):
        return a, b
    code = torch.minimum(a, b) * num_nodes + torch.maximum(a, b)
    at = torch.searchsorted(edges, code).clamp(max=len(edges) - 1)
    absent = _nonzero(_take(edges, at) != code)
    return _take(a, absent), _take(b, absent)
