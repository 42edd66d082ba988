"""Counts of datasets: against networkx, as a file, and the committed ones against the data where it is at hand."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch
from small_graphs import dataset_of, named_graphs, store_of

from rethinkpool_core.datasets import load_dataset
from rethinkpool_core.datasets.counts import count_dataset, read_counts, write_counts
from rethinkpool_core.datasets.spec import DATASETS, get_spec
from rethinkpool_core.datasets.storage.layout import is_present, mirror_files
from rethinkpool_core.errors import DataError

SLOW = ("SMNIST", "ZINC", "DD", "MOLHIV")
NAMES = [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in DATASETS]


@pytest.fixture
def at_hand(request):
    """``at_hand(name)`` loads a whole dataset, from the folder beside the project or from $RETHINKPOOL_DATA."""

    def load(name: str):
        spec = get_spec(name)
        given = os.environ.get("RETHINKPOOL_DATA")
        if not mirror_files(spec) or (given and is_present(spec, Path(given))):
            return load_dataset(name)
        return load_dataset(name, request.getfixturevalue("whole_root")(name))

    return load


@pytest.mark.parametrize("name", NAMES)
def test_committed_counts_are_those_of_the_data(at_hand, name):
    assert read_counts()[name] == count_dataset(at_hand(name))


def test_counts_of_small_graphs():
    graphs = [*named_graphs().values(), nx.gnp_random_graph(7, 0.4, seed=1, directed=True)]
    counted = count_dataset(dataset_of(store_of(graphs, y=torch.tensor([0, 1, 1, 0, 1, 1, 0, 1, 1, 1]))))
    directed = [graph.to_directed() for graph in graphs]
    assert counted.sizes == Counter(len(graph) for graph in graphs)
    assert counted.degrees == Counter(d for graph in directed for _, d in graph.in_degree)
    assert counted.no_edges == sum(graph.number_of_edges() == 0 for graph in graphs)
    assert counted.constant == pytest.approx(0.7)
    apart = [np.linalg.norm(nx.to_numpy_array(graph) - 1) / max(len(graph), 1) ** 2 for graph in graphs]
    assert counted.one_cluster_link == pytest.approx(np.mean(apart))
    assert counted.max_nodes == max(map(len, graphs))
    assert counted.median_nodes == sorted(map(len, graphs))[4]
    assert counted.share_below(6) == pytest.approx(0.4)


def test_constant_prediction_of_a_regression_is_the_median():
    y = torch.tensor([0.0, 1.0, 5.0])
    counted = count_dataset(dataset_of(store_of([nx.path_graph(2)] * 3, y=y), like="ZINC", num_classes=1))
    assert counted.constant == pytest.approx(5 / 3)


@pytest.mark.parametrize("name", DATASETS)
def test_committed_histograms_have_the_committed_means(name):
    counts = read_counts()[name]
    statistics, nodes = counts.statistics, sum(counts.degrees.values())
    assert sum(counts.sizes.values()) == statistics["num_graphs"] == sum(counts.split.values())
    assert sum(size * graphs for size, graphs in counts.sizes.items()) == nodes
    assert statistics["avg_nodes"] == pytest.approx(nodes / statistics["num_graphs"])
    edges = sum(degree * count for degree, count in counts.degrees.items())
    once = 2 if counts.spec.edges_counted == "undirected" else 1
    assert statistics["avg_edges"] == pytest.approx(edges / statistics["num_graphs"] / once)


def test_file_keeps_everything_and_other_datasets(tmp_path):
    committed = read_counts()
    write_counts(committed | {"NCI1": replace(committed["NCI1"], checksum="other")}, tmp_path / "counts.json")
    again = read_counts(tmp_path / "counts.json")
    assert again["NCI1"].checksum == "other"
    assert {name: again[name] for name in again if name != "NCI1"} == {
        name: committed[name] for name in committed if name != "NCI1"
    }


@pytest.mark.parametrize(
    "text", ["", "[]", '{"NCI1": {}}', '{"NCI1": {"sizes": {}, "degrees": {}, "more": 1}}']
)
def test_damaged_file(tmp_path, text):
    path = tmp_path / "counts.json"
    path.write_text(text)
    with pytest.raises(DataError, match="rethinkpool data count"):
        read_counts(path)
