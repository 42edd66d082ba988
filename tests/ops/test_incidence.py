"""The sparse operator against dense matrices."""

import pytest
import torch

from rethinkpool_core.ops.incidence import Incidence


@pytest.fixture(params=["small", "digraphs"])
def graphs(request):
    return request.getfixturevalue(request.param)


def dense(graphs, batch):
    """A from the dataset's own edge lists, by a loop."""
    store = graphs.dataset.store
    A = torch.zeros(batch.num_rows, batch.num_rows, dtype=torch.float64)
    for place, number in enumerate(batch.graph_id.tolist()):
        first = int(batch.pointer[place])
        edges = store.edge_index[:, store.edge_offsets[number] : store.edge_offsets[number + 1]].long()
        A[first + edges[0], first + edges[1]] = 1
    return A


def test_product_and_transposed_product(graphs):
    batch = graphs.batch()
    A, x = dense(graphs, batch), torch.randn(batch.num_rows, 4, dtype=torch.float64)
    torch.testing.assert_close(batch.A @ x, A @ x)
    torch.testing.assert_close(batch.A.T @ x, A.T @ x)
    assert torch.equal(batch.A.row_sum(), A.sum(1).long())


def test_first_and_second_gradients(graphs):
    batch = graphs.batch()
    x = torch.randn(batch.num_rows, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(batch.A.__matmul__, x)
    assert torch.autograd.gradgradcheck(batch.A.__matmul__, x)


def test_entries_are_gathered_and_summed(graphs):
    batch = graphs.batch()
    A, x = dense(graphs, batch), torch.randn(batch.num_rows, 3, dtype=torch.float64, requires_grad=True)
    entries = batch.A.gather(x)
    torch.testing.assert_close(entries, x[batch.columns])
    torch.testing.assert_close(batch.A.sum_entries(entries), A @ x)
    assert torch.autograd.gradcheck(lambda x: batch.A.sum_entries(batch.A.gather(x).square()), x)


def test_replicas_fold_into_rows(small):
    """Under vmap, with another matrix for each replica, the product and its gradient are those of a loop."""
    batch = small.batch(torch.tensor([[0, 1, 2], [7, 5, 6], [4, 4, 3]]))
    x = torch.randn(3, batch.num_rows, 2, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(3, batch.num_rows, 2, dtype=torch.float64)
    names = ("columns", "offsets", "columns_t", "offsets_t")
    parts = [batch.tensors[name] for name in names]
    folded = torch.vmap(lambda x, *parts: Incidence(*parts) @ x)(x, *parts)
    looped = torch.stack([Incidence(*(part[r] for part in parts)) @ x[r] for r in range(3)])
    torch.testing.assert_close(folded, looped)
    for one, other in zip(
        *(torch.autograd.grad((y * weight).sum(), x) for y in (folded, looped)), strict=True
    ):
        torch.testing.assert_close(one, other)


def test_a_batch_without_edges(small):
    batch = small.batch([4])  # one node
    assert torch.equal(
        batch.A @ torch.ones(1, 2, dtype=torch.float64), torch.zeros(1, 2, dtype=torch.float64)
    )
