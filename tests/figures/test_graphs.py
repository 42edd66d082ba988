"""Drawings of a graph, of its clusters and of its coarse graph."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from torch_geometric.data import Data

from rethinkpool_core.datasets.dataset import GraphDataset
from rethinkpool_core.figures.graphs import (
    MAX_CLUSTERS,
    MAX_EDGES,
    DrawnGraph,
    draw_clusters,
    draw_coarse,
    draw_nodes,
    spring_layout,
)

PATH = DrawnGraph(
    np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]),
    np.array([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]]),
    np.zeros((4, 1)),
)
PAIRS = np.array([[1.0, 0], [1, 0], [0, 1], [0, 1]])


@pytest.fixture
def lines(monkeypatch):
    """The line collections that are drawn: segments and widths."""
    added = []
    original = Axes.add_collection
    monkeypatch.setattr(
        Axes,
        "add_collection",
        lambda self, one, *rest, **options: (
            added.append(one) if isinstance(one, LineCollection) else None,
            original(self, one, *rest, **options),
        )[1],
    )
    return added


def test_positions_are_those_of_the_dataset_where_it_has_some(small):
    small.dataset.store.x[:5] = small.dataset.store.x[:5] * 0 + 1  # a graph of DIGITS: intensity, row, column
    small.dataset.store.x[:5, 2] = small.dataset.store.x.new_tensor([0, 1, 2, 3, 4])
    found = DrawnGraph.of(small.dataset, 0)
    assert found.positions.tolist() == [[x, -1] for x in range(5)]
    assert found.pairs.tolist() == [[0, 1], [1, 2], [2, 3], [3, 4]]


@pytest.mark.parametrize("width", [1, 3])
def test_numbers_of_other_data_are_no_coordinates(width):
    """Continuous features of one's own graphs, of which only those of images are places."""
    edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    graphs = [Data(x=torch.full((3, width), 0.5), edge_index=edges, y=y) for y in (0, 1, 0)]
    found = DrawnGraph.of(GraphDataset.from_pyg(graphs, name="OWN"), 0)
    assert np.array_equal(found.positions, spring_layout(3, edges.numpy()))


def test_layout_is_the_same_on_every_call():
    edges = np.array([[0, 1], [1, 2]])
    assert np.array_equal(spring_layout(4, edges), spring_layout(4, edges))
    assert spring_layout(0, np.zeros((2, 0), int)).shape == (0, 2)


def test_every_edge_is_drawn_once():
    """The three edges of the path are one path of the SVG, with three strokes at half its height."""
    figure = draw_nodes(PATH, np.arange(4), "a path")
    strokes = [
        re.findall(r"M ([\d.]+) ([\d.]+)\s+L ([\d.]+) \2", d) for d in re.findall(r' d="([^"]+)"', figure.svg)
    ]
    assert max(map(len, strokes)) == 3


def test_members_of_pairs_are_joined(drawn):
    draw_clusters(PATH, PAIRS, "pairs")
    joined = [arguments[0].tolist() for name, arguments in drawn if name == "plot"]
    assert joined == [[0, 1], [2, 3]]


def test_large_clusters_are_not_joined(drawn):
    draw_clusters(PATH, np.eye(2)[[0, 0, 0, 0]], "one cluster")
    assert [name for name, _ in drawn] == ["scatter"]


def test_coarse_graph_of_a_matching(drawn, lines):
    """Two pairs of the path are two nodes in the middle of their members, joined by the one edge between them."""
    draw_coarse(PATH, PAIRS, "coarse")
    assert [arguments[:2] for name, arguments in drawn if name == "scatter"] == [(0.5, 0), (2.5, 0)]
    (edges,) = lines
    assert edges.get_segments()[0].tolist() == [[0.5, 0], [2.5, 0]]


def test_weights_of_a_coarse_graph_are_the_pooled_adjacency(lines):
    """S^T A S by a loop over edges; the widest line belongs to its largest entry off the diagonal."""
    S = np.random.default_rng(0).dirichlet(np.ones(3), size=4)
    draw_coarse(PATH, S, "coarse")
    pooled = np.zeros((3, 3))
    for u, v in PATH.edges.T:
        for i in range(3):
            for j in range(3):
                pooled[i, j] += S[u, i] * S[v, j]
    upper = pooled[np.triu_indices(3, 1)]
    (edges,) = lines
    assert edges.get_linewidths() == pytest.approx(0.2 + 2.8 * upper / upper.max())


def test_of_many_edges_the_widest_are_drawn(lines):
    S = np.random.default_rng(0).dirichlet(np.ones(13), size=4)
    figure = draw_coarse(PATH, S, "coarse")
    A = np.zeros((4, 4))
    A[tuple(PATH.edges)] = 1
    weights = np.sort((S.T @ A @ S)[np.triu_indices(13, 1)])
    (edges,) = lines
    expected = 0.2 + 2.8 * weights[-MAX_EDGES:] / weights[-1]
    assert sorted(edges.get_linewidths()) == pytest.approx(expected.tolist())
    assert figure.caption == f"coarse, the {MAX_EDGES} widest of 78 edges"


def test_of_many_clusters_the_largest_are_drawn(drawn):
    S = np.random.default_rng(0).dirichlet(np.ones(MAX_CLUSTERS + 9), size=4)
    figure = draw_coarse(PATH, S, "coarse")
    assert len(drawn) == MAX_CLUSTERS
    assert figure.caption.startswith(f"coarse, the {MAX_CLUSTERS} largest of its {MAX_CLUSTERS + 9} nodes")


def test_clusters_of_a_matching_are_all_drawn(lines):
    """A clique of 30 nodes that are all single has 435 edges, and so has its coarse graph."""
    u, v = np.nonzero(~np.eye(30, dtype=bool))
    clique = DrawnGraph(np.random.default_rng(0).normal(size=(30, 2)), np.stack([u, v]), np.zeros((30, 1)))
    figure = draw_coarse(clique, np.eye(30), "coarse")
    assert len(lines[0].get_segments()) == 435 and figure.caption == "coarse"


def test_empty_clusters_are_left_out(drawn):
    draw_coarse(PATH, np.eye(5)[[0, 0, 3, 3]], "coarse")
    assert len(drawn) == 2


def test_graph_without_nodes_is_drawn():
    nothing = DrawnGraph(np.zeros((0, 2)), np.zeros((2, 0), int), np.zeros((0, 1)))
    assert "<svg" in draw_nodes(nothing, np.zeros(0), "nothing").svg
