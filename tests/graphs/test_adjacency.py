"""The sparse operator against dense matrices."""

import pytest
import torch

from rethinkpool_core.graphs.adjacency import _by_csr, _by_embedding_bag


@pytest.fixture(params=["small", "digraphs"])
def graphs(request):
    return request.getfixturevalue(request.param)


def dense(graphs, batch):
    """A from the dataset's own edge lists, by a loop."""
    store = graphs.dataset.store
    A = torch.zeros(batch.num_rows, batch.num_rows, dtype=torch.float64)
    for at, number in enumerate(batch.graph_id.tolist()):
        first = int(batch.pointer[at])
        edges = store.edge_index[:, store.edge_offsets[number] : store.edge_offsets[number + 1]].long()
        A[first + edges[0], first + edges[1]] = 1
    return A


def test_product_and_transposed_product(graphs):
    batch = graphs.batch()
    A, x = dense(graphs, batch), torch.randn(batch.num_rows, 4, dtype=torch.float64)
    torch.testing.assert_close(batch.A @ x, A @ x)
    torch.testing.assert_close(batch.A.T @ x, A.T @ x)
    assert torch.equal(batch.A.degree(), A.sum(1).long())


@pytest.mark.parametrize("weighted", [False, True])
def test_both_ways_to_sum(graphs, weighted):
    """The way of a GPU and that of a CPU, on a CPU."""
    batch = graphs.batch()
    x = torch.randn(batch.num_rows, 3, dtype=torch.float64)
    weights = torch.randn(len(batch.indices), dtype=torch.float64) if weighted else None
    found = [way(x, batch.indices, batch.indptr, weights) for way in (_by_csr, _by_embedding_bag)]
    torch.testing.assert_close(*found)


def test_gradients(graphs):
    batch = graphs.batch()
    x = torch.randn(batch.num_rows, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(batch.A.__matmul__, x)


def test_entries_are_gathered_and_summed(graphs):
    batch = graphs.batch()
    A, x = dense(graphs, batch), torch.randn(batch.num_rows, 3, dtype=torch.float64, requires_grad=True)
    entries = batch.A.gather(x)
    torch.testing.assert_close(entries, x[batch.indices])
    torch.testing.assert_close(batch.A.sum_entries(entries), A @ x)
    assert torch.autograd.gradcheck(lambda x: batch.A.sum_entries(batch.A.gather(x).square()), x)


def test_replicas_are_one_matrix(small):
    """Each replica's product, one after the other."""
    index = torch.tensor([[0, 1, 2], [7, 5, 6], [4, 4, 3]])
    batch = small.batch(index)
    x = torch.randn(3, batch.num_rows // 3, 2, dtype=torch.float64)
    product = (batch.A @ x.flatten(0, 1)).view_as(x)
    for replica, graphs in enumerate(index):
        alone = small.batch(graphs)
        assert torch.equal(product[replica, : alone.num_rows], alone.A @ x[replica, : alone.num_rows])


def test_a_batch_without_edges(small):
    batch = small.batch([4])  # one node
    assert torch.equal(
        batch.A @ torch.ones(1, 2, dtype=torch.float64), torch.zeros(1, 2, dtype=torch.float64)
    )
