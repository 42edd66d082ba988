"""The cluster explorer draws what is chosen."""

from __future__ import annotations

import pytest

from rethinkpool_core import build_model, load_dataset
from rethinkpool_core.figures.clusters import cluster_view
from rethinkpool_core.widgets.clusters import ClusterExplorer


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return str(tmp_path_factory.mktemp("data"))


@pytest.fixture
def explorer(root):
    return ClusterExplorer(["DIGITS"], ["GRACLUS", "MINCUTPOOL", "NO-POOL"], seed=2, root=root)


@pytest.mark.parametrize(("method", "number"), [("GRACLUS", 0), ("MINCUTPOOL", 0), ("MINCUTPOOL", 7)])
def test_picture_is_that_of_the_choice(explorer, root, method, number):
    explorer.model.value, explorer.number.value = method, number
    data = load_dataset("DIGITS", root=root, split_seed=2)
    expected = cluster_view(build_model(method, data, seed=2), data, number)
    assert explorer.picture.value == expected._repr_html_()


def test_training_changes_the_clusters_and_is_done_once(explorer):
    explorer.model.value = "MINCUTPOOL"
    untrained = explorer.picture.value
    explorer.epochs.value = 1
    trained = explorer.picture.value
    assert trained != untrained and len(explorer.built) == 3
    explorer.epochs.value = 0
    explorer.epochs.value = 1
    assert explorer.picture.value == trained and len(explorer.built) == 3


def test_graph_that_is_too_large_becomes_the_last(explorer):
    explorer.number.value = 10**6
    assert explorer.number.value == 1796 and "graph 1796" in explorer.picture.value


def test_model_without_pooling_is_a_sentence_in_the_place_of_the_picture(explorer):
    explorer.model.value = "NO-POOL"
    assert "NO-POOL has no pooling layer" in explorer.picture.value and "<svg" not in explorer.picture.value
