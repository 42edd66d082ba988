from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch
from networkx.algorithms.isomorphism import categorical_node_match

from rethinkpool_core.analysis.rings import (
    agreement,
    best_threshold,
    colours_in_ring_order,
    lag_agreement,
    undirected_window_counts,
    window_counts,
)
from rethinkpool_core.datasets import load_dataset
from rethinkpool_core.datasets.sources.rings import draw_rings, read
from rethinkpool_core.datasets.spec import get_spec

RADII = (1, 2, 3)
DIGESTS = {
    1: "45e57fa74ddc6656f3d4e02564264328",
    2: "7ca2f417f3cbd19cf1cada0ada48a5b6",
    3: "df187cae96e9cd63a4991eb7e084f993",
}


@pytest.fixture(scope="module", params=RADII)
def rings(request, tmp_path_factory):
    """The radius, and the dataset as it is loaded."""
    return request.param, load_dataset(f"RINGS-{request.param}", tmp_path_factory.getbasetemp() / "rings")


def test_graphs_are_rings(rings):
    _, dataset = rings
    for number in (0, 1, 777, 1999):
        graph = nx.Graph(dataset.store.graph(number)[1].T.tolist())
        assert nx.is_connected(graph) and set(dict(graph.degree).values()) == {2}
    assert dataset.store.y.tolist() == [0, 1] * 1000 and len(dataset.store.num_nodes.unique()) == 1


def test_both_rings_of_every_pair_have_the_same_windows(rings):
    radius, dataset = rings
    counts = undirected_window_counts(colours_in_ring_order(dataset.store), 2 * radius + 1)
    assert (counts[::2] == counts[1::2]).all()


def test_the_next_longer_windows_differ_in_every_pair(rings):
    radius, dataset = rings
    counts = undirected_window_counts(colours_in_ring_order(dataset.store), 2 * radius + 2)
    assert (counts[::2] != counts[1::2]).any(axis=1).all()


def test_windows_in_one_direction_are_the_same_as_drawn():
    for radius in RADII:
        counts = window_counts(draw_rings(radius, pairs=20), 2 * radius + 1)
        assert (counts[::2] == counts[1::2]).all()


def test_colours_of_the_graphs_are_the_drawn_ones(rings):
    radius, dataset = rings
    drawn = draw_rings(radius)
    for number in (0, 1, 998):
        x, edges, _, _ = dataset.store.graph(number)
        found = nx.Graph(edges.T.tolist())
        nx.set_node_attributes(found, dict(enumerate(x[:, 0].tolist())), "colour")
        expected = nx.cycle_graph(drawn.shape[1])
        nx.set_node_attributes(expected, dict(enumerate(drawn[number].tolist())), "colour")
        assert nx.is_isomorphic(found, expected, node_match=categorical_node_match("colour", None))


def test_the_order_of_the_nodes_says_nothing_of_the_ring(rings):
    _, dataset = rings
    steps = (dataset.store.edge_index[0].long() - dataset.store.edge_index[1].long()).abs()
    nodes = dataset.max_nodes
    # two random places among n are (n + 1) / 3 apart on average
    assert float(steps.double().mean()) == pytest.approx((nodes + 1) / 3, rel=0.01)


def test_agreement_at_the_lag_is_that_of_the_graphs(rings):
    radius, dataset = rings
    shares = agreement(colours_in_ring_order(dataset.store), 2 * radius + 1)
    shuffled, repeating = lag_agreement(radius)
    assert shares[::2].mean() == pytest.approx(shuffled.mean)
    assert shares[1::2].mean() == pytest.approx(repeating.mean)


def test_classes_differ_at_the_lag_and_can_be_told_apart_by_it():
    for radius in RADII:
        shuffled, repeating = lag_agreement(radius)
        # 0.7 repeat and half of the others agree; the first 2r + 1 nodes have none to repeat
        assert repeating.mean == pytest.approx(0.85, abs=0.02)
        assert 0.5 < shuffled.mean < repeating.mean - 0.15
        assert best_threshold(radius) > 0.99


def test_best_threshold_is_the_best_of_all(monkeypatch):
    rings = np.array([[0, 0, 0, 0, 1], [0, 0, 0, 0, 0], [0, 0, 1, 0, 1], [0, 1, 1, 0, 1]])
    monkeypatch.setattr("rethinkpool_core.analysis.rings.draw_rings", lambda radius: rings)
    shares = agreement(rings, 3)
    every = [
        np.mean([shares[0] < t, shares[1] >= t, shares[2] < t, shares[3] >= t]) for t in np.linspace(0, 1, 41)
    ]
    assert best_threshold.__wrapped__(1) == max(every)


def test_rings_are_the_same_every_time(rings, tmp_path):
    radius, dataset = rings
    again = read(get_spec(dataset.name), tmp_path, tmp_path)
    assert again.store.digest() == dataset.store.digest() == DIGESTS[radius]


@pytest.mark.parametrize("seed", [0, 7])
def test_both_rings_of_a_pair_are_in_the_same_part(rings, seed):
    split = rings[1].with_split(seed)
    parts = [split.train, split.val, split.test]
    assert [len(part) for part in parts] == [1600, 200, 200]
    assert torch.cat(parts).sort().values.tolist() == list(range(2000))
    for part in parts:
        assert torch.equal(part[::2] + 1, part[1::2]) and not bool((part[::2] % 2).any())
