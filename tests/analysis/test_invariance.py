"""Permuted datasets and the check of Appendix C, on graphs that networkx permutes too."""

from __future__ import annotations

import networkx as nx
import pytest
import torch

from rethinkpool_core.analysis.invariance import PREDICTIONS, TOLERANCE, check_invariance, layer_changes
from rethinkpool_core.analysis.matchings import MatchingsOfOrders, matchings_of_orders
from rethinkpool_core.analysis.permutations import random_orders, reordered
from rethinkpool_core.errors import UsageError
from rethinkpool_core.models.names import MODELS


def as_networkx(store, number):
    x, edges, _, _ = store.graph(number)
    graph = nx.DiGraph(edges.T.tolist())
    graph.add_nodes_from(range(len(x)))
    return graph


def test_reordered_graph_is_that_of_networkx(small):
    index = torch.tensor([6, 0])
    orders = random_orders(small.dataset, index, seed=3)
    found = reordered(small.dataset, index, orders)
    for place, (number, order) in enumerate(zip(index.tolist(), orders, strict=True)):
        new_name = {int(old): new for new, old in enumerate(order)}
        expected = nx.relabel_nodes(as_networkx(small.dataset.store, number), new_name)
        assert nx.utils.graphs_equal(as_networkx(found.store, place), expected)
        assert torch.equal(found.store.graph(place)[0], small.dataset.store.graph(number)[0][order])


def test_features_of_edges_move_with_them(molecules):
    index = torch.tensor([6])
    (order,) = random_orders(molecules.dataset, index, seed=1)
    _, before, of_before, _ = molecules.dataset.store.graph(6)
    _, after, of_after, _ = reordered(molecules.dataset, index, [order]).store.graph(0)
    features = {(int(u), int(v)): row.tolist() for u, v, row in zip(*before, of_before, strict=True)}
    for u, v, row in zip(*after, of_after, strict=True):
        assert features[int(order[int(u)]), int(order[int(v)])] == row.tolist()


def test_without_orders_graphs_stay_as_they_are(small):
    found = reordered(small.dataset, torch.tensor([7]))
    for before, after in zip(small.dataset.store.graph(7), found.store.graph(0), strict=True):
        assert before is after is None or torch.equal(before, after)


def test_orders_are_permutations_that_the_seed_decides(small):
    index = small.dataset.train
    orders = random_orders(small.dataset, index, seed=1)
    assert [sorted(order.tolist()) for order in orders] == [
        list(range(n)) for n in small.dataset.store.num_nodes.tolist()
    ]
    again, other = (random_orders(small.dataset, index, seed) for seed in (1, 2))
    assert all(map(torch.equal, orders, again)) and not all(map(torch.equal, orders, other))


def test_every_built_in_model_has_a_prediction():
    assert sorted(PREDICTIONS) == sorted(MODELS)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    from rethinkpool_core.datasets import load_dataset

    return load_dataset("DIGITS", tmp_path_factory.mktemp("digits"))


@pytest.mark.parametrize("name", ["DISTANCE-GMN", "N-DIFFPOOL-INV", "N-DIFFPOOL", "GRACLUS"])
def test_check_agrees_with_theory(name, digits):
    check = check_invariance(name, digits, digits.test[:8], permutations=2, **PREDICTIONS[name].parameters)
    assert check.is_invariant == PREDICTIONS[name].invariant
    assert check.changes.shape == (8,) and (float(check.changes.max()) < TOLERANCE) == check.is_invariant


def test_logits_are_in_the_order_of_the_index(digits):
    """The batch sorts graphs by size; a graph alone has the same logits, since batch norm is in evaluation mode (GMN)."""
    index = digits.test[:5]
    check = check_invariance("NO-POOL", digits, index, permutations=1)
    for place in range(5):
        alone = check_invariance("NO-POOL", digits, index[place : place + 1], permutations=1)
        torch.testing.assert_close(alone.logits[0], check.logits[place])
    with pytest.raises(UsageError, match="at least two"):
        _ = alone.is_invariant  # it was False, for NO-POOL


def test_layers_are_compared_by_node_before_pooling_and_by_cluster_after():
    rows, clusters = torch.tensor([[1.0], [2.0], [4.0]]), torch.tensor([[5.0], [6.0]])
    order = torch.tensor([2, 0, 1])
    before = {"conv 1": [rows], "pool 1": [clusters], "convs 2": [clusters]}
    equal = {"conv 1": [rows[order]], "pool 1": [clusters], "convs 2": [clusters]}
    assert layer_changes(before, equal, [order]) == {"conv 1": 0, "pool 1": 0, "convs 2": 0}
    moved = {"conv 1": [rows], "pool 1": [clusters + 0.5], "convs 2": [clusters[:1]]}
    assert layer_changes(before, moved, [order]) == {"conv 1": 3, "pool 1": 0.5}


def test_matchings_pair_neighbours_or_strangers(digits):
    """GRACLUS pairs only neighbours, COMPLEMENT only nodes without an edge, whatever the order."""
    number = int(digits.test[0])
    edges = {
        frozenset(pair) for pair in digits.store.graph(number)[1].T.tolist()
    }  # of nearest neighbours, directed
    for name, joined in (("GRACLUS", True), ("COMPLEMENT", False)):
        found = matchings_of_orders(name, digits, number, orders=4)
        assert found.clusters.shape == (4, int(digits.store.num_nodes[number]))
        for row in found.clusters:
            for cluster in row.unique():
                members = torch.nonzero(row == cluster).flatten().tolist()
                assert len(members) in (1, 2)
                if len(members) == 2:
                    assert (frozenset(members) in edges) == joined


def test_partitions_are_counted_whatever_the_clusters_are_called():
    found = MatchingsOfOrders(torch.tensor([[0, 0, 1], [5, 5, 2], [0, 1, 1], [0, 1, 2]]))
    assert found.distinct == 3 and found.num_clusters == (2, 3)
    assert found.assignment(1).tolist() == [[0, 1], [0, 1], [1, 0]]
