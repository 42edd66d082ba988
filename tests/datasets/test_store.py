from __future__ import annotations

from dataclasses import replace

import networkx as nx
import pytest
import torch

from rethinkpool_core.datasets.storage.pack import narrow, pack
from rethinkpool_core.datasets.storage.store import GraphStore
from rethinkpool_core.errors import DataError


@pytest.fixture
def store() -> GraphStore:
    """A path of three nodes, its edges given out of order, and a single node."""
    return pack(
        torch.tensor([[0], [1], [2], [7]]),
        torch.tensor([[2, 1, 0, 1], [1, 2, 1, 0]]),
        torch.tensor([1, 0]),
        torch.tensor([3, 1]),
        torch.tensor([4, 0]),
        torch.tensor([[21], [12], [1], [10]]),
        where="TEST",
    )


def test_edges_are_sorted_with_their_features(store: GraphStore) -> None:
    assert store.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert store.edge_attr is not None and store.edge_attr[:, 0].tolist() == [1, 10, 12, 21]


def test_loops_and_repetitions_are_dropped() -> None:
    """What is left is what networkx has in a simple directed graph; a repeated edge keeps its first features."""
    edges = [[(1, 1), (2, 0), (0, 2), (2, 0), (2, 0), (0, 0)], [], [(0, 1)], [(0, 0)]]
    flat = torch.tensor([edge for graph in edges for edge in graph]).T
    nodes, sizes = torch.tensor([3, 1, 2, 1]), torch.tensor([len(graph) for graph in edges])
    features = torch.arange(flat.shape[1])[:, None]
    store = pack(torch.zeros(7, 1), flat, torch.zeros(4).long(), nodes, sizes, features, where="TEST")
    for number, graph in enumerate(edges):
        simple = nx.DiGraph(graph)
        simple.remove_edges_from(list(nx.selfloop_edges(simple)))
        assert [tuple(edge) for edge in store.graph(number)[1].T.tolist()] == sorted(simple.edges)
    assert store.edge_attr is not None and store.edge_attr[:, 0].tolist() == [2, 1, 6]


def test_sizes(store: GraphStore) -> None:
    assert store.num_graphs == 2
    assert store.num_nodes.tolist() == [3, 1]
    assert store.num_edges.tolist() == [4, 0]
    assert store.max_nodes == 3


def test_last_graph_by_negative_index(store: GraphStore) -> None:
    x, edge_index, _, y = store.graph(-1)
    assert (x.tolist(), edge_index.shape[1], int(y)) == ([[7]], 0, 0)


def test_large_graphs_have_wider_indices() -> None:
    nodes = 40_000
    edges = torch.tensor([[0, nodes - 1], [nodes - 1, 0]])
    store = pack(
        torch.empty(nodes, 0), edges, torch.tensor([0]), torch.tensor([nodes]), torch.tensor([2]), where="T"
    )
    assert store.edge_index.dtype == torch.int32


def test_graph_without_nodes() -> None:
    sizes = torch.tensor([0, 2, 0])
    store = pack(torch.zeros(2, 1), torch.tensor([[1, 0], [0, 1]]), sizes, sizes, sizes, where="TEST")
    assert store.graph(1)[1].tolist() == [[0, 1], [1, 0]]
    assert [store.graph(number)[0].shape[0] for number in range(3)] == [0, 2, 0]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([0, 255], torch.uint8),
        ([0, 256], torch.int16),
        ([-1, 5], torch.int16),
        ([0, 70_000], torch.int32),
        ([0.5, 0.25], torch.float16),
        ([0.1, 0.2], torch.float32),
    ],
)
def test_narrow_keeps_every_value(values: list[float], dtype: torch.dtype) -> None:
    narrowed = narrow(torch.tensor(values))
    assert narrowed.dtype == dtype
    assert torch.equal(narrowed.to(torch.tensor(values).dtype), torch.tensor(values))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"edge_index": torch.tensor([[0, 1, 1, 2], [1, 0, 2, 3]])}, "edge of graph 0 points outside"),
        ({"edge_index": torch.tensor([[0, 1, 1, 2], [1, 0, 2, -1]])}, "edge of graph 0 points outside"),
        ({"x": torch.zeros(0, 1), "node_offsets": torch.tensor([0, 0, 0])}, "none of its graphs has a node"),
        ({"node_offsets": torch.tensor([0, 5, 4])}, "go backwards"),
        ({"node_offsets": torch.tensor([0, 3, 5])}, "do not cover"),
        ({"edge_offsets": torch.tensor([0, 4])}, "edge offsets"),
        ({"y": torch.tensor([1, 0, 1])}, "3 targets for 2 graphs"),
        ({"edge_attr": torch.zeros(3, 1)}, "features for 3 of 4 edges"),
        ({"x": torch.tensor([[0.0], [1.0], [torch.nan], [7.0]])}, "x holds a number that is not finite"),
    ],
)
def test_damage_is_named(store: GraphStore, change: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        replace(store, **change).validate("TEST")
