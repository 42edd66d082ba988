"""Structures against the edge lists they are made of."""

from itertools import pairwise

import networkx as nx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_graphs import dataset_of, named_graphs, store_of

from rethinkpool_core.batching.batch import BatchBuilder
from rethinkpool_core.graphs import structure
from rethinkpool_core.graphs.structure import Structure

CPU = torch.device("cpu")


def neighbours(graphs: Structure, number: int, columns, offsets) -> list[list[int]]:
    """Of each node of one graph."""
    node = slice(*graphs.node_offsets[number : number + 2].tolist())
    edge = slice(*graphs.edge_offsets[number : number + 2].tolist())
    bounds = [*offsets[node].tolist(), int(graphs.num_edges[number])]
    columns = columns[edge].tolist()
    return [columns[first:last] for first, last in pairwise(bounds)]


def check(graphs: Structure, expected: list[nx.DiGraph]) -> None:
    assert len(graphs.num_nodes) == len(expected)
    for number, graph in enumerate(expected):
        nodes = range(len(graph))
        successors = neighbours(graphs, number, graphs.indices, graphs.indptr)
        predecessors = neighbours(graphs, number, graphs.indices_t, graphs.indptr_t)
        assert successors == [sorted(graph.successors(node)) for node in nodes]
        assert predecessors == [sorted(graph.predecessors(node)) for node in nodes]


@st.composite
def collections(draw):
    made = st.tuples(st.integers(0, 9), st.floats(0, 1), st.integers(0, 99), st.booleans())
    graphs = [
        nx.gnp_random_graph(n, p, seed=seed, directed=directed)
        for n, p, seed, directed in draw(st.lists(made, min_size=1, max_size=6))
    ]
    return [graph if graph.is_directed() else graph.to_directed() for graph in graphs]


@settings(max_examples=60)
@given(graphs=collections(), data=st.data())
def test_graphs_and_choices_of_them(graphs, data):
    whole = Structure.from_store(store_of(graphs), CPU)
    check(whole, graphs)
    index = data.draw(st.lists(st.integers(0, len(graphs) - 1), max_size=6))
    check(whole.select(torch.tensor(index, dtype=torch.int64)), [graphs[i] for i in index])


@pytest.mark.parametrize("edges_a_chunk", [1, 20, 1 << 20])
def test_chunks_change_nothing(edges_a_chunk, monkeypatch):
    monkeypatch.setattr(structure, "_EDGES_PER_CHUNK", edges_a_chunk)
    undirected = [graph.to_directed() for graph in named_graphs().values()]
    directed = [nx.gnp_random_graph(6, 0.4, seed=1, directed=True), *undirected]
    for graphs, symmetric in ((undirected, True), (directed, False)):
        whole = Structure.from_store(store_of(graphs), CPU)
        assert whole.symmetric is symmetric
        check(whole, graphs)


def test_edges_are_those_of_the_disjoint_union():
    graphs = [graph.to_directed() for graph in named_graphs().values()]
    u, v = Structure.from_store(store_of(graphs), CPU).edges()
    union = nx.disjoint_union_all(graphs)
    assert list(zip(u.tolist(), v.tolist(), strict=True)) == sorted(union.edges)


def test_a_dataset_without_any_edge():
    builder = BatchBuilder(dataset_of(store_of([nx.empty_graph(n) for n in (1, 3, 2)])))
    batch = builder(torch.tensor([[0, 1], [1, 2]]), num_edges=2)
    # The second has five nodes, and its two padding edges need one more; the first has two rows of padding, with one each.
    assert batch.indptr.tolist() == [0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2, 2, 4]
    assert batch.indices.tolist() == [4, 5, 11, 11]
