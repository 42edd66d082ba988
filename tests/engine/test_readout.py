"""A last level whose S is made a few graphs at a time: means, losses and gradients are those of PyG's matrices, in float64."""

from dataclasses import replace

import pytest
import torch
from torch_geometric.nn import dense_mincut_pool

from rethinkpool_core.batching.batch import OF_NODES, BatchBuilder
from rethinkpool_core.engine import pooling, readout
from rethinkpool_core.engine.affine import Linear
from rethinkpool_core.engine.pooling import Coarse, Normalised
from rethinkpool_core.engine.readout import PartedReadout, readout_weights, shared_weights
from rethinkpool_core.engine.rows import Assignment, Rows
from rethinkpool_core.models import build_model
from rethinkpool_core.models.mincutpool import MinCutPool
from rethinkpool_core.ops.losses import cut_loss, orthogonality_loss
from rethinkpool_core.training.known import known_terms
from rethinkpool_core.training.replicas import Replicas

K1, K2, D = 7, 4, 3


@pytest.fixture(params=[1, 60, 10**6])
def factors(request, monkeypatch):
    """A' is never written down; S is made for one graph, for two and for all at once."""
    monkeypatch.setattr(pooling, "SMALL", 0)
    monkeypatch.setitem(readout._ENTRIES_AT_ONCE, "cpu", request.param)


def with_edges(graphs):
    """Of the others PyG makes nothing but NaN."""
    return graphs.dataset.store.num_edges.nonzero().flatten().tolist()


def leaves(batch, seeds=1):
    """First logits, features of the first clusters, and W and b of each seed; the seeds are numbered in the last two."""
    generator = torch.Generator().manual_seed(3)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()

    return draw(batch.num_rows, K1), draw(batch.num_graphs, K1, D), draw(seeds, K2, D), draw(seeds, K2)


def ours(batch, logits, x, W, b):
    """(B,) and (B, D): both losses and both means."""
    linear = Linear(D, K2, dtype=torch.float64)
    del linear.weight, linear.bias
    linear.weight, linear.bias = W, b
    A = Normalised(Coarse(batch.A, Assignment(logits.softmax(-1), Rows(batch)), 0))
    assert A.matrix is None
    found = PartedReadout(x, linear, A)
    return cut_loss(found), orthogonality_loss(found), *found.means(x)


def theirs(batch, logits, x, W, b):
    seeds, found = len(W), []
    for graph in range(batch.num_graphs):
        rows = batch.graph == graph + graph // (batch.num_graphs // seeds)  # a replica has a graph of padding
        A = (batch.A @ torch.eye(batch.num_rows, dtype=torch.float64))[rows][:, rows]
        first = logits[rows][None]
        _, A1, *_ = dense_mincut_pool(first, A[None], first)
        seed = graph // (batch.num_graphs // seeds)
        X2, A2, cut, orthogonality = dense_mincut_pool(x[graph], A1, x[graph] @ W[seed].T + b[seed])
        found.append((cut, orthogonality, (A2 @ X2)[0].mean(0), X2[0].mean(0)))
    return tuple(torch.stack(part) for part in zip(*found, strict=True))


@pytest.mark.parametrize("kind", ["small", "digraphs"])
def test_is_that_of_matrices(kind, factors, request):
    graphs = request.getfixturevalue(kind)
    batch = graphs.batch(with_edges(graphs))
    of = leaves(batch)
    results = [work(batch, *of) for work in (ours, theirs)]
    torch.testing.assert_close(*results, atol=1e-10, rtol=0)
    weights = [torch.randn_like(part) for part in results[0]]
    gradients = [
        torch.autograd.grad(sum((w * part).sum() for w, part in zip(weights, result, strict=True)), of)
        for result in results
    ]
    torch.testing.assert_close(*gradients, atol=1e-9, rtol=1e-9)


def test_each_seed_by_its_weights(small, factors):
    """Two replicas with graphs of their own, and rows for padding."""
    index = with_edges(small)
    half = len(index) // 2
    batch = small.batch(torch.tensor([index[:half], index[half : 2 * half]]))
    of = leaves(batch, seeds=2)
    results = [work(batch, *of) for work in (ours, theirs)]
    torch.testing.assert_close(*results, atol=1e-10, rtol=0)
    gradients = [torch.autograd.grad(sum(part.square().sum() for part in result), of) for result in results]
    torch.testing.assert_close(*gradients, atol=1e-9, rtol=1e-9)


def test_nothing_large_is_kept(small, factors):
    """Between forward and backward, of S nothing; the graph keeps what all graphs' nodes have, and the inputs."""
    batch = small.batch(with_edges(small))
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(tuple(t.shape)) or t, lambda t: t):
        ours(batch, *leaves(batch))
    assert not [shape for shape in kept if shape[-2:] == (K1, K2)]


@pytest.mark.parametrize("layers", [2, 3])
@pytest.mark.parametrize("kind", ["small", "digraphs"])
def test_in_the_model(kind, layers, factors, request, monkeypatch):
    """Logits, losses, gradients and the trace, with and without parts."""
    graphs = request.getfixturevalue(kind)
    batch = graphs.batch(with_edges(graphs))
    model = build_model("MINCUTPOOL", graphs.dataset, seed=1, num_pool_layers=layers).double()
    model.shape = replace(model.shape, mean_nodes=0.0)
    results = []
    for large in (True, False):
        if not large:
            monkeypatch.setattr(MinCutPool, "large", lambda *_: False)
        logits, losses, trace = model(batch, trace=True)
        gradients = torch.autograd.grad(
            logits.square().sum() + sum(losses.values()), list(model.parameters())
        )
        with torch.no_grad():
            quietly, _ = model(batch, auxiliary=False)
        results.append(
            (logits, losses, gradients, quietly, {name: layer.values for name, layer in trace.items()})
        )
    assert f"conv {layers + 1}" in results[0][-1] and f"pool {layers}" in results[0][-1]
    torch.testing.assert_close(*results, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("stacked", [False, True])
def test_weights_of_one_assignment_for_all(small, factors, stacked):
    """Of one seed, and of two with graphs of their own."""
    index = with_edges(small)
    half = len(index) // 2
    batch = small.batch(torch.tensor([index[:half], index[half : 2 * half]]) if stacked else index)
    logits, *_ = leaves(batch)
    S = torch.randn(2, K1, K2, dtype=torch.float64).softmax(-1)[: 1 + stacked]
    A = Normalised(Coarse(batch.A, Assignment(logits.softmax(-1), Rows(batch)), 0))
    every = Assignment(Rows().place(S, batch.num_graphs), Rows())
    expected = readout_weights(every, Normalised(Coarse(A, every, 0)))
    torch.testing.assert_close(shared_weights(S if stacked else S[0], A), expected, atol=1e-12, rtol=1e-10)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("written_down", [True, False])
def test_what_is_known_of_random_ones(small, written_down, layers, monkeypatch):
    """Two seeds with graphs of their own, by what is known and without it: logits, gradients, and the trace."""
    model = build_model("N-MINCUTPOOL", small.dataset, seed=1, num_pool_layers=layers).double()
    if not written_down:
        monkeypatch.setattr(pooling, "SMALL", 0)
        model.shape = replace(model.shape, mean_nodes=0.0)
    known = known_terms(model, [1, 2], BatchBuilder(small.dataset, "cpu", torch.float64), 7)
    reached = {f"{OF_NODES * (level == 0)}{level}/reached" for level in range(layers - 1)}
    assert known.keys() >= (reached if written_down else set())
    assert f"{OF_NODES * (layers == 1)}{layers - 1}/weights" in known
    half = small.dataset.store.num_graphs // 2
    batch = small.batch(torch.arange(2 * half).view(2, half))
    replicas = Replicas(model, [1, 2], torch.device("cpu"))
    results = []
    for given in (batch, batch.with_known(known)):
        logits, _, trace = replicas.template(given, trace=True)
        loss = logits.square().sum()
        results.append(
            (logits, {name: layer.values for name, layer in trace.items()}, replicas.gradient("rest", loss))
        )
    torch.testing.assert_close(*results, atol=1e-10, rtol=1e-10)
