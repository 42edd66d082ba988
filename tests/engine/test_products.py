"""S^T Y, S Y and |S^T S|^2 over ragged graphs against a loop over the graphs, and where their rows stand meanwhile."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rethinkpool_core.batching import buckets as buckets_module
from rethinkpool_core.batching.buckets import SingleBucket, make_buckets, make_many_buckets
from rethinkpool_core.engine.products import fixed_pool_conv, pool, unpool

SIZES = st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=1, max_size=3)


def buckets_of(sizes, padding=0):
    """Buckets of graphs of ``sizes`` (R, B), with the same number of rows for each replica, and each graph's rows."""
    R, rows = len(sizes), max(1, max(map(sum, sizes)) + padding)
    graph, position, where = [], [], []
    for replica, numbers in enumerate(sizes):
        start = replica * rows
        B = len(numbers)
        graph += [replica * (B + 1) + g for g, n in enumerate(numbers) for _ in range(n)]
        position += [i for n in numbers for i in range(n)]
        where += [range(start + sum(numbers[:g]), start + sum(numbers[: g + 1])) for g in range(B)]
        missing = start + rows - len(graph)
        graph += [replica * (B + 1) + B] * missing
        position += range(missing)
    return make_buckets(*map(torch.tensor, (sizes, graph, position))), R * rows, where


@given(SIZES, st.integers(0, 3))
def test_rows_go_to_their_blocks_and_back(sizes, padding):
    buckets, rows, where = buckets_of(sizes, padding)
    x = torch.randn(rows, 2)
    flat = buckets.pad(x)
    assert sum(count for count, _ in buckets.shapes) == len(where)
    by_block = [block for group in buckets.split(flat) for block in group]
    for graph, block in zip(buckets.order.tolist(), by_block, strict=True):
        own = x[list(where[graph])]
        assert torch.equal(block[: len(own)], own)
        assert not block[len(own) :].any()
    real = torch.zeros(rows, 1)
    real[[row for part in where for row in part]] = 1
    assert torch.equal(buckets.unpad(flat), x * real)
    values = torch.arange(len(where))
    assert torch.equal(buckets.unsort_graphs(buckets.sort_graphs(values)), values)


def loop(where, S, Y):
    """The three results, one graph at a time."""
    parts = [S[list(rows)] for rows in where]
    norm = torch.stack([(s.T @ s).square().sum() for s in parts])
    products = [torch.stack([s.T @ y[list(rows)] for s, rows in zip(parts, where, strict=True)]) for y in Y]
    return norm, *products


@pytest.mark.parametrize("clusters", [2, 6])  # fewer and more than most graphs have nodes
@pytest.mark.parametrize("groups", [1, 6])
def test_value_and_gradients_are_those_of_a_loop(clusters, groups, monkeypatch):
    monkeypatch.setattr(buckets_module, "MAX_BUCKETS", groups)
    buckets, rows, where = buckets_of([[1, 4, 2], [0, 9, 3]], padding=2)
    assert len(buckets.shapes) <= groups
    S = torch.randn(rows, clusters, dtype=torch.float64, requires_grad=True)
    Y = [torch.randn(rows, width, dtype=torch.float64, requires_grad=True) for width in (3, clusters)]
    ours, theirs = pool(buckets, S, *Y, norm=True), loop(where, S, Y)
    weights = [torch.randn_like(value) for value in theirs]
    gradients = []
    for results in (ours, theirs):
        total = sum((value * weight).sum() for value, weight in zip(results, weights, strict=True))
        gradients.append(torch.autograd.grad(total, [S, *Y]))
    torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(*gradients, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("used", [0, 1, 2])
def test_gradient_of_one_result_alone(used):
    """What nobody asks of gets no gradient and costs no product."""
    buckets, rows, where = buckets_of([[3, 2]])
    S = torch.randn(rows, 3, dtype=torch.float64, requires_grad=True)
    Y = [torch.randn(rows, 2, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    gradients = [
        torch.autograd.grad(results[used].square().sum(), [S, *Y], allow_unused=True, materialize_grads=True)
        for results in (pool(buckets, S, *Y, norm=True), loop(where, S, Y))
    ]
    torch.testing.assert_close(*gradients, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("uniform", [False, True])
def test_fixed_assignments_are_a_loop(uniform):
    """Of two seeds; what fixed ones have in empty slots counts for nothing."""
    buckets, rows, where = buckets_of([[1, 4, 2], [0, 9, 3]], padding=2)
    if uniform:
        buckets, rows, where = SingleBucket(), 12, [range(2 * g, 2 * g + 2) for g in range(6)]
    fixed = [torch.randn(rows, 3, dtype=torch.float64) for _ in range(2)]
    Y = [torch.randn(rows, 5, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    bias = torch.randn(2, 5, dtype=torch.float64, requires_grad=True)
    if uniform:
        spread = [S.view(6, 2, 3) for S in fixed]
        ours = fixed_pool_conv(buckets, spread, [y.view(6, 2, 5) for y in Y], bias)
    else:
        spread = [buckets.pad(S) for S in fixed]
        for S in spread:
            S[buckets.empty_slots] = 7.0
        ours = fixed_pool_conv(buckets, spread, Y, bias)
    total = sum(loop(where, S, [y])[1] for S, y in zip(fixed, Y, strict=True))
    theirs = (total + bias.repeat_interleave(3, 0)[:, None]).relu()
    torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=1e-12)
    weight = torch.randn_like(ours)
    gradients = [torch.autograd.grad((value * weight).sum(), [bias, *Y]) for value in (ours, theirs)]
    torch.testing.assert_close(*gradients, atol=1e-12, rtol=1e-12)


def test_products_back_to_the_nodes():
    buckets, rows, where = buckets_of([[1, 4, 2], [0, 9, 3]], padding=2)
    S = torch.randn(rows, 3, dtype=torch.float64, requires_grad=True)
    Y = torch.randn(6, 3, 2, dtype=torch.float64, requires_grad=True)
    ours = unpool(buckets, S, Y)
    theirs = torch.zeros(rows, 2, dtype=torch.float64)
    for graph, own in enumerate(where):
        theirs = theirs.index_put((torch.tensor(list(own), dtype=torch.int64),), S[list(own)] @ Y[graph])
    torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=0)
    weight = torch.randn_like(ours)
    gradients = [torch.autograd.grad((value * weight).sum(), [S, Y]) for value in (ours, theirs)]
    torch.testing.assert_close(*gradients, atol=1e-12, rtol=0)


def test_graphs_of_one_size_need_no_copy():
    S = torch.randn(2, 5, 3, dtype=torch.float64, requires_grad=True)
    Y = torch.randn(2, 5, 4, dtype=torch.float64, requires_grad=True)
    Z = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda S, Y: pool(SingleBucket(), S, Y, norm=True), (S, Y))
    assert torch.autograd.gradcheck(lambda S, Z: unpool(SingleBucket(), S, Z), (S, Z))
    torch.testing.assert_close(pool(SingleBucket(), S, Y)[1], S.mT @ Y)


def test_wider_buckets_have_more_empty_slots():
    """Fixed shapes: buckets large enough for any batch hold the same rows."""
    sizes = torch.tensor([[[3, 2, 5]]])
    graph = torch.tensor([[0, 0, 0, 1, 1, 2, 2, 2, 2, 2]])
    position = torch.tensor([[0, 1, 2, 0, 1, 0, 1, 2, 3, 4]])
    (buckets,) = make_many_buckets(sizes, graph, position, ((2, 4), (1, 8)), num_empty=7)
    x = torch.randn(10, 2)
    slots = buckets.pad(x)
    assert slots.shape == (17, 2)
    assert torch.equal(buckets.unpad(slots), x)
