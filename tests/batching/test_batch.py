"""The result for a graph depends on nothing but the graph: not on padding, not on its batch, not on other replicas."""

import networkx as nx
import pytest
import torch
from small_graphs import dataset_of, named_graphs, store_of
from torch.func import functional_call, stack_module_state

from rethinkpool_core.batching import batch as batch_module
from rethinkpool_core.batching.batch import BatchBuilder
from rethinkpool_core.batching.buckets import MAX_BUCKETS
from rethinkpool_core.models import build_model
from rethinkpool_core.models.build import replica
from rethinkpool_core.models.names import MODELS


@pytest.fixture(params=["small", "digraphs", "molecules"])
def graphs(request):
    return request.getfixturevalue(request.param)


def model_of(name, graphs, seed=1, **overrides):
    return build_model(name, graphs.dataset, seed=seed, **overrides).double()


def warm(model, batch):
    """Running statistics that are not those of a new model."""
    model.train()
    model(batch)
    return model.eval()


@pytest.mark.parametrize("name", MODELS)
def test_evaluation_does_not_depend_on_the_batch(name, graphs):
    model = warm(model_of(name, graphs), graphs.batch())
    together = graphs.batch()
    logits, _ = model(together)
    for at, number in enumerate(together.graph_id.tolist()):
        alone, _ = model(graphs.batch([number]))
        torch.testing.assert_close(alone[0], logits[at], atol=1e-10, rtol=0)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_padding_changes_nothing(name, graphs, training):
    """Logits, losses, gradients and running statistics."""
    results = []
    for padding in ({}, {"num_rows": 97, "num_edges": 301}):
        model = model_of(name, graphs).train(training)
        logits, losses = model(graphs.batch(**padding, rng_key=1))
        (logits.square().sum() + sum(losses.values())).backward()
        grads = {n: p.grad for n, p in model.named_parameters()}
        results.append((logits, losses, grads, dict(model.named_buffers())))
    torch.testing.assert_close(*results, atol=1e-10, rtol=1e-10)


CASES = [(name, {}) for name in MODELS] + [
    (name, {"norm_padding": True}) for name in ("N-DIFFPOOL-V2", "GMN")
]


@pytest.mark.parametrize(("name", "overrides"), CASES)
def test_replicas_at_once_are_those_of_a_loop(name, overrides, graphs):
    models = [replica(model_of(name, graphs, **overrides), seed) for seed in (3, 4)]
    batch = graphs.batch(torch.tensor([[0, 1, 2], [1, 3, 0]]), rng_key=2)
    params, buffers = stack_module_state(models)
    logits, losses = functional_call(models[0], (params, buffers), (batch,))
    logits = logits.view(2, 3, -1)
    loss = sum(losses.values(), logits.square().sum((1, 2)))
    assert loss.shape == (2,)
    grads = torch.autograd.grad(loss.sum(), list(params.values()), allow_unused=True, materialize_grads=True)
    for row, (model, index) in enumerate(zip(models, ([0, 1, 2], [1, 3, 0]), strict=True)):
        alone, losses = model(graphs.batch(index, rng_key=2))
        torch.testing.assert_close(logits[row], alone, atol=1e-10, rtol=1e-10)
        single = torch.autograd.grad(
            sum(losses.values(), alone.square().sum()),
            list(model.parameters()),
            allow_unused=True,
            materialize_grads=True,
        )
        for stacked, grad in zip(grads, single, strict=True):
            torch.testing.assert_close(stacked[row], grad, atol=1e-9, rtol=1e-9)
        for buffer, value in model.named_buffers():
            torch.testing.assert_close(buffers[buffer][row], value, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("name", MODELS)
def test_value_and_gradient_are_finite_on_every_graph_alone(name, graphs):
    """One node, no edges, two components and the others; a batch of one, in training mode."""
    for number in range(graphs.dataset.store.num_graphs):
        model = model_of(name, graphs)
        logits, losses = model(graphs.batch([number], num_rows=20, rng_key=1))
        (logits.sum() + sum(losses.values())).backward()
        assert torch.isfinite(logits).all()
        assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("name", ["DIFFPOOL", "DIFFPOOL-V2", "MINCUTPOOL", "GMN"])
def test_hard_assignments_have_finite_gradients(name, small):
    """Weights so large that every softmax is one-hot."""
    model = model_of(name, small)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1e4)
    logits, losses = model(small.batch())
    (logits.sum() + sum(losses.values())).backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("factor", [1.0, 100.0, 300.0, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_large_clique_has_finite_gradients(factor, dtype):
    """Features of ones on a clique, as in social networks: degrees of the coarse graph become tiny."""
    graphs = dataset_of(store_of([nx.complete_graph(300), nx.path_graph(4)]))
    graphs.store.x.fill_(1)
    model = build_model("MINCUTPOOL", graphs, seed=3).to(dtype)
    with torch.no_grad():
        for layer in model.assign:
            layer.weight.mul_(factor)
    logits, losses = model(BatchBuilder(graphs, dtype=dtype)(torch.arange(2)))
    (logits.sum() + sum(losses.values())).backward()
    assert torch.isfinite(logits).all()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


@pytest.mark.parametrize("name", MODELS)
def test_trace_has_the_activations_of_a_graph(name, small):
    model = model_of(name, small).eval()
    batch = small.batch()
    logits, losses, layers = model(batch, trace=True)
    torch.testing.assert_close((logits, losses), model(batch))
    at = int((batch.graph_id == list(named_graphs()).index("caffeine")).nonzero())
    first = next(iter(layers.values())).of_graph(at)
    assert first.shape[0] == 14
    assert len(layers) >= 2
    assert all(layer.of_graph(at).dim() == 2 for layer in layers.values())
    assert [key for key in layers if key.startswith("assignment")] == [
        key.replace("pool", "assignment").replace("memory", "assignment")
        for key in layers
        if key.startswith(("pool", "memory"))
    ]


@pytest.mark.parametrize("name", MODELS)
def test_traced_assignments_have_rows_of_sum_one_and_a_row_per_node(name, small):
    batch = small.batch(rng_key=1)
    _, _, layers = model_of(name, small).eval()(batch, trace=True)
    nodes = batch.num_nodes
    for key, layer in layers.items():
        if not key.startswith("assignment"):
            continue
        for at in range(batch.num_graphs):
            S = layer.of_graph(at)
            assert layer.pointer is None or len(S) == nodes[at]
            torch.testing.assert_close(S.sum(-1), torch.ones(len(S), dtype=torch.float64))
        if name in (
            "GRACLUS",
            "COMPLEMENT",
        ):  # pairs: at most two nodes each, and the next level has one node per pair
            level = int(key.split()[-1])
            pooled = layers[f"pool {level}"]
            nodes = torch.tensor([len(pooled.of_graph(at)) for at in range(batch.num_graphs)])
            for at in range(batch.num_graphs):
                sizes = layer.of_graph(at).sum(0)
                assert (sizes > 0).sum() == nodes[at] and sizes.max() <= 2


def test_groups_of_like_size_cover_the_batch_once():
    sizes = [1, 1, 2, 3, 3, 50, 60, 400, 410]
    dataset = dataset_of(store_of([nx.empty_graph(n) for n in sizes]))
    batch = BatchBuilder(dataset)(torch.arange(len(sizes)))
    groups = batch.buckets.shapes
    assert 1 < len(groups) <= MAX_BUCKETS
    assert sum(count for count, _ in groups) == len(sizes)
    assert sum(count * width for count, width in groups) < 0.5 * len(sizes) * max(sizes)
    rows = torch.randn(batch.num_rows, 2)
    torch.testing.assert_close(batch.buckets.unpad(batch.buckets.pad(rows)), rows)


@pytest.mark.parametrize("entries_at_once", [1, 60, 1 << 19])
@pytest.mark.parametrize("name", ["GRACLUS", "COMPLEMENT", "NO-POOL"])
def test_batches_made_together_are_those_made_one_by_one(name, entries_at_once, graphs, monkeypatch):
    """To the bit, coarse graphs included, for one replica and for three, the last batch smaller."""
    monkeypatch.setitem(batch_module._ENTRIES_AT_ONCE, "cpu", entries_at_once)
    model = model_of(name, graphs)
    builder = BatchBuilder(graphs.dataset, dtype=torch.float64)
    count = graphs.dataset.store.num_graphs
    orders = torch.stack([torch.randperm(count).repeat(3)[:11] for _ in range(3)])
    for order, seed in ((orders[0], model.seed), (orders, torch.tensor([4, 1, 8]))):
        options = {"rng_key": 5, "coarsening": model.coarsening(seed)}
        together = list(builder.batches(order, 3, **options))
        replicas = 1 if order.dim() == 1 else 3
        assert [batch.num_graphs for batch in together] == [
            3 * replicas,
            3 * replicas,
            3 * replicas,
            2 * replicas,
        ]
        for batch, index in zip(together, order.split(3, -1), strict=True):
            alone = builder(index, **options)
            assert (batch.max_nodes, batch.padded, batch.replicas) == (
                alone.max_nodes,
                alone.padded,
                replicas,
            )
            torch.testing.assert_close(batch.tensors, alone.tensors, rtol=0, atol=0)
            assert ("1/members" in batch.tensors) == (name != "NO-POOL")


@pytest.mark.parametrize("name", ["GRACLUS", "COMPLEMENT"])
def test_coarse_graphs_made_beforehand_are_those_the_model_makes(name, graphs):
    model = model_of(name, graphs)
    for training in (True, False):
        model.train(training)
        prepared = graphs.batch(rng_key=4, coarsening=model.coarsening())
        assert torch.equal(model(prepared)[0], model(graphs.batch(rng_key=4))[0])
