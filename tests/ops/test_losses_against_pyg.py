"""The terms of MinCut and DiffPool on one unpadded graph are PyG's, in float64 to 1e-10."""

import pytest
import torch
from small_graphs import input_graph, named_graphs
from torch_geometric.nn import dense_diff_pool, dense_mincut_pool

from rethinkpool_core.engine.assignment import Assignment
from rethinkpool_core.engine.pooled import pool
from rethinkpool_core.ops.losses import cut_loss, entropy_loss, link_loss, orthogonality_loss

# PyG divides by the volume, which is 0 without edges; what ours does there is tested in test_losses.py.
WITH_EDGES = [name for name, graph in named_graphs().items() if graph.number_of_edges()]
NUMBER = {name: number for number, name in enumerate(named_graphs())}


def dense(small, name):
    """X (1, n, F) and A (1, n, n) of one graph, from its batch."""
    batch = small.batch([NUMBER[name]])
    return batch, batch.x[None], (batch.A @ torch.eye(batch.num_rows, dtype=torch.float64))[None]


@pytest.mark.parametrize(
    "clusters", [2, 3, 30]
)  # 30: more clusters than nodes, where A' stays a product of factors
@pytest.mark.parametrize("name", WITH_EDGES)
class TestOneGraph:
    def test_mincut(self, small, name, clusters):
        batch, x, A = dense(small, name)
        logits = torch.randn(1, x.shape[1], clusters, dtype=torch.float64)
        theirs_x, theirs_A, cut, orthogonality = dense_mincut_pool(x, A, logits)
        graph = input_graph(batch)
        pooled = pool(graph, Assignment(logits[0].softmax(-1), graph.nodes))
        A = pooled.normalised().A
        torch.testing.assert_close(cut_loss(pooled)[0], cut, atol=1e-10, rtol=0)
        torch.testing.assert_close(orthogonality_loss(pooled)[0], orthogonality, atol=1e-10, rtol=0)
        torch.testing.assert_close(pooled.x, theirs_x, atol=1e-10, rtol=0)
        identity = torch.eye(clusters, dtype=torch.float64)[None]
        torch.testing.assert_close(A @ identity, theirs_A, atol=1e-10, rtol=0)
        torch.testing.assert_close(A.degree(), theirs_A.sum(-1), atol=1e-10, rtol=0)

    def test_mincut_second_layer(self, small, name, clusters):
        batch, x, A = dense(small, name)
        first = torch.randn(1, x.shape[1], clusters, dtype=torch.float64)
        second = torch.randn(1, clusters, 2, dtype=torch.float64)
        x1, A1, *_ = dense_mincut_pool(x, A, first)
        _, A2, cut, orthogonality = dense_mincut_pool(x1, A1, second)
        graph = input_graph(batch)
        once = pool(graph, Assignment(first[0].softmax(-1), graph.nodes)).normalised()
        pooled = pool(once, Assignment(second.softmax(-1), once.nodes))
        torch.testing.assert_close(cut_loss(pooled)[0], cut, atol=1e-10, rtol=0)
        torch.testing.assert_close(orthogonality_loss(pooled)[0], orthogonality, atol=1e-10, rtol=0)
        ours = pooled.normalised().A @ torch.eye(2, dtype=torch.float64)[None]
        torch.testing.assert_close(ours, A2, atol=1e-10, rtol=0)

    def test_diffpool_two_layers(self, small, name, clusters):
        batch, x, A = dense(small, name)
        first = torch.randn(1, x.shape[1], clusters, dtype=torch.float64)
        second = torch.randn(1, clusters, 2, dtype=torch.float64)
        x1, A1, link, entropy = dense_diff_pool(x, A, first)
        _, A2, link2, entropy2 = dense_diff_pool(x1, A1, second)
        graph = input_graph(batch)
        once = pool(graph, Assignment(first[0].softmax(-1), graph.nodes))
        twice = pool(once, Assignment(second.softmax(-1), once.nodes))
        for ours, theirs in (
            (link_loss(once)[0], link),
            (entropy_loss(once.S)[0], entropy),
            (link_loss(twice)[0], link2),
            (entropy_loss(twice.S)[0], entropy2),
            (once.x, x1),
            (once.A.to_matrix(), A1),
            (once.products.diagonal, A1.diagonal(dim1=1, dim2=2)),
            (once.A.degree(), A1.sum(-1)),
            (twice.A.to_matrix(), A2),
        ):
            torch.testing.assert_close(ours, theirs, atol=1e-10, rtol=0)


def test_a_batch_averages_over_its_graphs(small):
    """The terms of a batch are the mean of those of its graphs, whatever their sizes."""
    names = [NUMBER[name] for name in WITH_EDGES]
    logits = torch.randn(sum(small.dataset.store.num_nodes), 3, dtype=torch.float64)

    def terms(index):
        batch = small.batch(index)
        rows = small.dataset.store.node_offsets[batch.graph_id[batch.graph]] + batch.position
        graph = input_graph(batch)
        pooled = pool(graph, Assignment(logits[rows].softmax(-1), graph.nodes))
        terms = [cut_loss(pooled), orthogonality_loss(pooled), link_loss(pooled), entropy_loss(pooled.S)]
        return torch.stack(terms).mean(1)

    alone = torch.stack([terms([number]) for number in names]).mean(0)
    torch.testing.assert_close(terms(names), alone, atol=1e-12, rtol=0)


@pytest.mark.parametrize("gap", [0.0, 5.0, 10.0, 15.0, 18.0])
@pytest.mark.parametrize("clusters", [3, 140])
def test_a_dominant_cluster_keeps_its_edges_in_float32(small, gap, clusters):
    """PyG sums the coarse matrix without its diagonal; a difference of sums would cancel here."""
    batch, _, A = dense(small, "petersen")
    logits = torch.randn(1, 10, clusters, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    logits[..., 0] += gap
    _, theirs, *_ = dense_mincut_pool(batch.x[None], A, logits)
    single = small.batch([NUMBER["petersen"]], dtype=torch.float32)
    graph = input_graph(single)
    pooled = pool(graph, Assignment(logits[0].float().softmax(-1), graph.nodes))
    weight = pooled.A.to_matrix().double().masked_fill(torch.eye(clusters, dtype=torch.bool), 0).sum(-1)
    torch.testing.assert_close(pooled.products.weight_to_others().double(), weight, rtol=1e-5, atol=0)
    if pooled.A.matrix is not None:
        ours = pooled.normalised().A @ torch.eye(clusters)[None]
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-4, atol=1e-6)
