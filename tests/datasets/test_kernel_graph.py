"""The batched kernel graph against a float64 loop written from its definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rethinkpool_core.datasets.sources import kernel_graph as module
from rethinkpool_core.datasets.sources.kernel_graph import NEIGHBOURS, kernel_graph


def affinity(position: np.ndarray) -> np.ndarray:
    """The kernel matrix of one graph, entry by entry (the diagonal is -1)."""
    n = len(position)
    distance = np.array(
        [[np.sqrt(((position[i] - position[j]) ** 2).sum()) for j in range(n)] for i in range(n)]
    )
    A = np.zeros((n, n))
    for i in range(n):
        others = sorted(distance[i, j] for j in range(n) if j != i)[:NEIGHBOURS]
        for j in range(n):
            A[i, j] = np.exp(-((distance[i, j] / np.mean(others)) ** 2))
    A = (A + A.T) / 2
    np.fill_diagonal(A, -1)
    return A


def split_by_graph(edge_index: torch.Tensor, num_edges: torch.Tensor) -> list[np.ndarray]:
    return [part.numpy() for part in edge_index.split(num_edges.tolist(), dim=1)]


@given(sizes=st.lists(st.integers(2, 30), min_size=1, max_size=5), seed=st.integers(0, 1000))
@settings(max_examples=30)
def test_equals_the_loop_where_no_distances_tie(sizes: list[int], seed: int) -> None:
    position = np.random.default_rng(seed).random((sum(sizes), 2))
    edge_index, num_edges = kernel_graph(torch.from_numpy(position), torch.tensor(sizes))
    starts = np.cumsum([0, *sizes])
    for graph, edges in enumerate(split_by_graph(edge_index, num_edges)):
        A = affinity(position[starts[graph] : starts[graph + 1]])
        k = min(NEIGHBOURS, sizes[graph] - 1)
        expected = [(i, j) for i in range(sizes[graph]) for j in sorted(np.argsort(-A[i])[:k])]
        assert [tuple(edge) for edge in edges.T] == expected


def test_on_a_grid_the_strongest_are_kept_and_ties_go_to_the_lower_index() -> None:
    position = np.array([[row, column] for row in range(6) for column in range(6)], dtype=float)
    edge_index, _ = kernel_graph(torch.from_numpy(position), torch.tensor([36]))
    A = affinity(position).round(9)
    for node in range(36):
        expected = sorted(np.argsort(-A[node], kind="stable")[:NEIGHBOURS])
        assert edge_index[1, edge_index[0] == node].tolist() == expected


def test_graphs_do_not_depend_on_those_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    position, sizes = (
        torch.rand(300, 2, generator=torch.Generator().manual_seed(0)),
        torch.tensor([60, 3, 87, 150]),
    )
    together, _ = kernel_graph(position, sizes)
    monkeypatch.setattr(module, "_ENTRIES_PER_CHUNK", 1)
    alone, _ = kernel_graph(position, sizes)
    assert torch.equal(together, alone)


@pytest.mark.parametrize("sizes", [[0], [0, 2, 0], [3, 0]])
def test_graph_without_nodes_has_no_edge(sizes: list[int]) -> None:
    edge_index, num_edges = kernel_graph(torch.rand(sum(sizes), 2), torch.tensor(sizes))
    assert num_edges.tolist() == [n * max(0, n - 1) for n in sizes]
    assert edge_index.shape == (2, int(num_edges.sum()))


def test_one_node_has_no_edge_and_coincident_nodes_are_joined() -> None:
    edge_index, num_edges = kernel_graph(torch.zeros(4, 2), torch.tensor([1, 3]))
    assert num_edges.tolist() == [0, 6]
    assert edge_index.T.tolist() == [[0, 1], [0, 2], [1, 0], [1, 2], [2, 0], [2, 1]]
