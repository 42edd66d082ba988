"""What the losses of DIFFPOOL-V2 say of its clusters, against PyG's operator and assignments that are known."""

from __future__ import annotations

from math import log, sqrt

import networkx as nx
import pytest
import torch
from analysis.samples import runs_of
from small_graphs import dataset_of, store_of
from torch_geometric.nn import dense_diff_pool

from rethinkpool_core.analysis.hard_assignments import HardAssignment, hard_assignments, num_clusters
from rethinkpool_core.datasets.counts import count_dataset, read_counts
from rethinkpool_core.experiments.grids import get_grid


def link_loss(graph, S):
    """The link loss of one graph by PyG, which takes logits; rows of ``S`` are those of one cluster each."""
    A = torch.from_numpy(nx.to_numpy_array(graph))
    return float(dense_diff_pool(torch.zeros(len(A), 1).double(), A, 1e3 * S.double())[2])


def test_link_loss_of_one_cluster():
    graphs = [nx.path_graph(5), nx.complete_graph(4), nx.petersen_graph(), nx.empty_graph(3)]
    expected = [link_loss(graph, torch.ones(len(graph), 1)) for graph in graphs]
    assert count_dataset(dataset_of(store_of(graphs))).one_cluster_link == pytest.approx(sum(expected) / 4)


@pytest.mark.parametrize("m", [1, 2, 5])
def test_effective_clusters_are_those_of_equal_size(m):
    graph = nx.empty_graph(20)
    one, several = (link_loss(graph, torch.eye(k).repeat(20 // k, 1)) for k in (1, m))
    assert HardAssignment("NCI1", (12,), (0.0,), (several / one,)).effective_clusters == pytest.approx(m)


def cell_of(dataset):
    cells = get_grid("table-s5").cells
    return next(cell for cell in cells if (cell.model, cell.dataset) == ("DIFFPOOL-V2", dataset))


def runs_with(dataset, max_nodes, entropy, link):
    runs = runs_of((cell_of(dataset), 0.7), seeds=[2, 1])
    runs["config"] = [cell_of(dataset).config | {"max_nodes": max_nodes}] * 2
    runs["best_epoch"] = [2, 1]
    runs["curves"] = [
        {"entropy": [9.0, entropy[1]], "link": [9.0, link[1]]},
        {"entropy": entropy[:1], "link": link[:1]},
    ]
    return runs


def test_losses_of_the_epoch_that_is_scored():
    counts = read_counts()
    one = counts["NCI1"].one_cluster_link
    (found,) = hard_assignments(
        runs_with("NCI1", 111, [0.1 * log(12), 0.0], [0.5 * one, one / sqrt(3)]), "table-s5", counts
    )
    assert (found.dataset, found.clusters, found.seeds) == ("NCI1", (12,), 2)
    assert found.entropy == pytest.approx((0.1, 0.0)) and found.link == pytest.approx((0.5, 1 / sqrt(3)))


def test_losses_of_several_layers_are_summed():
    assert num_clusters(cell_of("ZINC").config | {"max_nodes": 37}) == (10, 3)
    runs = runs_with("ZINC", 37, [log(10) + log(3)] * 2, [0.2] * 2)
    (found,) = hard_assignments(runs, "table-s5", read_counts())
    assert found.entropy == pytest.approx((1, 1)) and found.link is found.effective_clusters is None
