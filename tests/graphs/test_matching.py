"""Matchings: pairs are edges (of the graph or of its complement), nothing can be added, and the order is the sequential one."""

import networkx as nx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rethinkpool_core.graphs import matching
from rethinkpool_core.graphs.hashing import hash64
from rethinkpool_core.graphs.matching import complement_matching, graph_matching

MATCH = {"graph": lambda u, v, graph, key: graph_matching(u, v, key), "complement": complement_matching}


@st.composite
def collections(draw):
    """Disjoint graphs of any density, as one directed or undirected edge list with each node's graph."""
    graphs = draw(
        st.lists(st.tuples(st.integers(0, 14), st.floats(0, 1), st.integers(0, 99)), min_size=1, max_size=4)
    )
    directed = draw(st.booleans())
    return [nx.gnp_random_graph(n, p, seed=seed, directed=directed) for n, p, seed in graphs]


def flat(graphs):
    """(u, v, graph of each node) with nodes numbered through."""
    whole = nx.disjoint_union_all(graphs)
    edges = sorted(whole.to_directed().edges if not whole.is_directed() else whole.edges)
    u, v = torch.tensor(edges, dtype=torch.int64).reshape(-1, 2).T
    graph = torch.repeat_interleave(torch.arange(len(graphs)), torch.tensor([len(g) for g in graphs]))
    return u, v, graph


def allowed(graphs, kind) -> nx.Graph:
    """The pairs that may be matched."""
    parts = [g.to_undirected() if g.is_directed() else g for g in graphs]
    return nx.disjoint_union_all([nx.complement(g) for g in parts] if kind == "complement" else parts)


@pytest.mark.parametrize("kind", MATCH)
@settings(max_examples=150)
@given(graphs=collections(), seed=st.integers(0, 2**31))
def test_is_a_maximal_matching(kind, graphs, seed):
    u, v, graph = flat(graphs)
    partner = MATCH[kind](u, v, graph, hash64(torch.arange(len(graph)), seed)).tolist()
    assert all(partner[partner[i]] == i for i in range(len(partner)))
    pairs = {(i, j) for i, j in enumerate(partner) if i < j}
    assert nx.is_maximal_matching(allowed(graphs, kind), pairs)


@settings(max_examples=100)
@given(graphs=collections(), seed=st.integers(0, 2**31))
def test_pairs_are_those_of_visiting_the_nodes_one_by_one(graphs, seed):
    """Nodes in the order of their keys, each taking the first free neighbour in that node's own random order."""
    u, v, graph = flat(graphs)
    key = hash64(torch.arange(len(graph)), seed)
    order = matching.visiting_order(u, v, key)
    chance = {(a, b): int(c) for a, b, c in zip(u.tolist(), v.tolist(), order & 0xFFFFFFFF, strict=True)}
    whole = allowed(graphs, "graph")
    expected = list(range(len(graph)))
    for node in key.argsort().tolist():
        if expected[node] == node:
            free = [other for other in whole[node] if expected[other] == other]
            if free:
                taken = min(free, key=lambda other: chance.get((node, other), chance.get((other, node))))
                expected[node], expected[taken] = taken, node
    assert graph_matching(u, v, key).tolist() == expected


@pytest.mark.parametrize("kind", MATCH)
def test_is_random_and_reproducible(kind):
    u, v, graph = flat([nx.cycle_graph(12)])
    drawn = [
        tuple(MATCH[kind](u, v, graph, hash64(torch.arange(12), seed)).tolist())
        for seed in (1, 1, *range(2, 30))
    ]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 5


def test_each_edge_of_a_triangle_is_as_likely():
    u, v, _ = flat([nx.complete_graph(3)] * 6000)
    partner = graph_matching(u, v, hash64(torch.arange(18000), 5)).view(-1, 3)
    single = (partner == torch.arange(18000).view(-1, 3)).long().argmax(1)
    assert (torch.bincount(single) / 6000 - 1 / 3).abs().max() < 0.03  # five standard deviations


def test_edges_of_equal_order_share_a_node_once():
    u, v = torch.tensor([0, 0, 0, 3]), torch.tensor([1, 2, 3, 4])
    partner = matching.greedy_matching(u, v, torch.tensor([7, 7, 7, 9]), 5)
    assert torch.equal(partner[partner], torch.arange(5))
    assert partner[0] != 0


@pytest.mark.parametrize(
    ("nodes", "edges"), [(5748, 14267), (3000, 3000), (300, 30000)]
)  # the first: DD's largest graph
def test_the_complement_of_a_large_graph_is_not_listed(monkeypatch, nodes, edges):
    """At most 4 E + 16 pairs are listed, of 16.5 million in DD's largest graph."""
    listed = []
    pairs = matching._pairs
    monkeypatch.setattr(
        matching, "_pairs", lambda *args: (found := pairs(*args), listed.append(len(found[0])))[0]
    )
    network = nx.gnm_random_graph(nodes, edges, seed=1)
    u, v, graph = flat([network])
    partner = complement_matching(u, v, graph, hash64(torch.arange(nodes), 1))
    assert sum(listed) <= 4 * edges + 16
    assert not any(network.has_edge(i, j) for i, j in enumerate(partner.tolist()) if i < j)
