"""Sample graphs: which are chosen, that the committed ones are in the data, and how they are laid out."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch
from small_graphs import dataset_of, store_of
from torch_geometric.data import Data

from rethinkpool_core.datasets import load_dataset
from rethinkpool_core.datasets.counts import read_counts
from rethinkpool_core.datasets.dataset import GraphDataset
from rethinkpool_core.datasets.spec import DATASETS
from rethinkpool_core.errors import DataError
from rethinkpool_core.figures.layout import lay_out
from rethinkpool_core.figures.sample_graphs import (
    choose_samples,
    draw_samples,
    read_samples,
    sample_graphs,
    write_samples,
)


def test_chosen_graphs_are_at_the_percentiles_of_their_class():
    graphs = [nx.path_graph(n) for n in range(1, 102)]
    everything = dataset_of(store_of(graphs, y=torch.zeros(101, dtype=torch.int64)))
    assert [len(graphs[number]) for number in choose_samples(everything)] == [21, 41, 61, 81]


def test_classes_alternate():
    dataset = load_dataset("DIGITS")
    y = dataset.store.y[torch.tensor(choose_samples(dataset))]
    assert y.tolist() == [0, 2, 5, 7]


def test_few_graphs_are_not_drawn_twice():
    dataset = dataset_of(store_of([nx.path_graph(n) for n in (2, 3, 4, 5)]))
    assert sorted(choose_samples(dataset)) == [0, 1, 2, 3]


def test_committed_samples_are_graphs_of_the_data(tmp_path):
    digits = load_dataset("DIGITS")
    assert read_samples()["DIGITS"] == sample_graphs(digits)


@pytest.mark.parametrize("name", DATASETS)
def test_committed_samples_fit_the_counts(name):
    counts = read_counts()[name]
    for graph in read_samples()[name]:
        n = len(graph.positions)
        assert n in counts.sizes
        assert not graph.labels or len(graph.labels) == n
        assert 0 <= np.min(graph.edges) and np.max(graph.edges) < n
        assert all(u < v for u, v in graph.edges)
        assert 0 <= graph.number < counts.statistics["num_graphs"]


def own_dataset(x: torch.Tensor, targets: list[float]) -> GraphDataset:
    """Paths of three nodes with the features ``x``."""
    edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    return GraphDataset.from_pyg([Data(x=x, edge_index=edges, y=y) for y in targets], name="OWN")


@pytest.mark.parametrize("width", [1, 3])
def test_graphs_with_numbers_at_nodes_are_laid_out_and_have_no_labels(width):
    (graph, *_) = sample_graphs(own_dataset(torch.full((3, width), 7.5), [0, 1, 0, 1]))
    assert graph.labels == []
    assert graph.positions == lay_out(3, np.array(graph.edges)).round(2).tolist()


def test_targets_that_are_numbers_are_not_classes():
    dataset = own_dataset(torch.tensor([0, 1, 0]), [0.25, 1.5, 2.75, 4.0])
    captions = [figure.caption for figure in draw_samples(dataset.spec, sample_graphs(dataset)).figures]
    assert "OWN, graph 0: target 0.25, 3 nodes" in captions


def test_captions_say_what_is_drawn():
    (first, *_) = draw_samples(DATASETS["NCI1"], read_samples()["NCI1"]).figures
    graph = read_samples()["NCI1"][0]
    assert first.caption == f"NCI1, graph {graph.number}: class 0, {len(graph.positions)} nodes"


def test_file(tmp_path):
    committed = read_samples()
    write_samples(committed, tmp_path / "samples.json")
    assert read_samples(tmp_path / "samples.json") == committed
    (tmp_path / "samples.json").write_text('{"NCI1": [{"number": 1}]}')
    with pytest.raises(DataError, match="rethinkpool data count"):
        read_samples(tmp_path / "samples.json")


def test_edges_of_a_drawn_cycle_have_length_one_and_components_do_not_meet():
    graph = nx.disjoint_union(nx.cycle_graph(6), nx.path_graph(2))
    graph.add_node(8)
    positions = lay_out(9, np.array(graph.edges))
    lengths = [np.linalg.norm(positions[u] - positions[v]) for u, v in graph.edges]
    assert lengths == pytest.approx([1.0] * 7, abs=0.02)
    assert positions[:6, 0].max() + 1 <= positions[6:8, 0].min() + 1e-9
    assert positions[6:8, 0].max() + 1 <= positions[8, 0] + 1e-9
