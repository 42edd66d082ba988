"""Each way of computing a convolution on a pooled graph gives what PyG's matrices, or the equations as written, give."""

import gc
from dataclasses import replace

import pytest
import torch
from small_graphs import input_graph
from torch_geometric.nn import dense_mincut_pool

from rethinkpool_core.batching.batch import BatchBuilder
from rethinkpool_core.engine import adjacency, chunked_readout
from rethinkpool_core.engine.affine import Linear
from rethinkpool_core.engine.assignment import Assignment, FixedAssignment, LinearAssignment
from rethinkpool_core.engine.chunked_readout import ChunkedReadout
from rethinkpool_core.engine.graph import Graph
from rethinkpool_core.engine.mean_readout import readout_weights, shared_readout_weights
from rethinkpool_core.engine.mode import as_written
from rethinkpool_core.engine.nodes import ClusterNodes
from rethinkpool_core.engine.pooled import pool
from rethinkpool_core.engine.precomputed import PER_NODE, with_precomputed
from rethinkpool_core.models import build_model
from rethinkpool_core.ops.losses import cut_loss, orthogonality_loss
from rethinkpool_core.training.precompute import precompute_fixed_pooling
from rethinkpool_core.training.replicas import Replicas

K1, K2, D = 7, 4, 3


@pytest.fixture
def no_matrices(monkeypatch):
    """A' is never written as a matrix where graphs have no nodes on average."""
    monkeypatch.setattr(adjacency, "MAX_DENSE_CLUSTERS", 0)


@pytest.fixture(params=[1, 60, 10**6])
def chunks(request, no_matrices, monkeypatch):
    """S is made for one graph at a time, for two, and for all at once."""
    monkeypatch.setitem(chunked_readout.ENTRIES_AT_ONCE, "cpu", request.param)


def with_edges(graphs):
    """Return the graphs with edges; on the others PyG's operator is NaN."""
    return graphs.dataset.store.num_edges.nonzero().flatten().tolist()


def leaves(batch, seeds=1):
    """First logits, features of the first clusters, and W and b of each seed; the seeds are numbered in the last two."""
    generator = torch.Generator().manual_seed(3)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()

    return draw(batch.num_rows, K1), draw(batch.num_graphs, K1, D), draw(seeds, K2, D), draw(seeds, K2)


def pooled_once(batch, logits):
    """The normalised graph after the first pooling layer, as a product of factors."""
    graph = input_graph(batch, mean_nodes=0.0)
    pooled = pool(graph, Assignment(logits.softmax(-1), graph.nodes)).normalised()
    assert pooled.A.matrix is None
    return pooled


def ours(batch, logits, x, W, b):
    """(B,) and (B, D): both losses and both means."""
    linear = Linear(D, K2, dtype=torch.float64)
    del linear.weight, linear.bias
    linear.weight, linear.bias = W, b
    once = pooled_once(batch, logits).with_x(x)
    twice = pool(once, LinearAssignment(x, linear, once.nodes))
    twice.products.readout = readout = ChunkedReadout(twice.S, once.A)
    return cut_loss(twice), orthogonality_loss(twice), *readout.means(x)


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
def test_chunked_readout_is_that_of_matrices(kind, chunks, request):
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


def test_chunked_readout_of_each_seed_by_its_weights(small, chunks):
    """Two replicas with graphs of their own, and rows for padding."""
    index = with_edges(small)
    half = len(index) // 2
    batch = small.batch(torch.tensor([index[:half], index[half : 2 * half]]))
    of = leaves(batch, seeds=2)
    results = [work(batch, *of) for work in (ours, theirs)]
    torch.testing.assert_close(*results, atol=1e-10, rtol=0)
    gradients = [torch.autograd.grad(sum(part.square().sum() for part in result), of) for result in results]
    torch.testing.assert_close(*gradients, atol=1e-9, rtol=1e-9)


def test_chunked_readout_keeps_nothing_large(small, chunks):
    """Between forward and backward, of S nothing; the graph keeps what all graphs' nodes have, and the inputs."""
    batch = small.batch(with_edges(small))
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(tuple(t.shape)) or t, lambda t: t):
        ours(batch, *leaves(batch))
    assert not [shape for shape in kept if shape[-2:] == (K1, K2)]


def results_of(model, batch):
    """Logits, losses, gradients, logits in evaluation without losses, and the trace."""
    logits, losses, trace = model(batch, trace=True)
    gradients = torch.autograd.grad(logits.square().sum() + sum(losses.values()), list(model.parameters()))
    return logits, losses, gradients, {name: layer.values for name, layer in trace.items()}


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("kind", ["small", "digraphs"])
@pytest.mark.parametrize("name", ["MINCUTPOOL", "N-MINCUTPOOL"])
def test_as_written(kind, layers, name, chunks, request):
    """Losses, gradients and the trace of the model, by factors and chunks and by matrices."""
    graphs = request.getfixturevalue(kind)
    batch = graphs.batch(with_edges(graphs))
    model = build_model(name, graphs.dataset, seed=1, num_pool_layers=layers).double()
    model.shape = replace(model.shape, mean_nodes=0.0)
    by_rules = results_of(model, batch)
    without_trace = model(batch)[0]
    with as_written():
        expected = results_of(model, batch)
    assert {f"conv {layers + 1}", f"pool {layers}", f"assignment {layers}"} <= by_rules[-1].keys()
    torch.testing.assert_close(by_rules, expected, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(without_trace, expected[0], atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("stacked", [False, True])
def test_readout_weights_of_one_assignment_for_all_graphs(small, no_matrices, stacked):
    """One seed, and two with graphs of their own."""
    index = with_edges(small)
    half = len(index) // 2
    batch = small.batch(torch.tensor([index[:half], index[half : 2 * half]]) if stacked else index)
    logits, *_ = leaves(batch)
    R = torch.randn(2, K1, K2, dtype=torch.float64)[: 1 + stacked]
    once = pooled_once(batch, logits)
    fixed = FixedAssignment(R if stacked else R[0], once.nodes)
    expected = readout_weights(fixed, pool(once, fixed).normalised().A)
    torch.testing.assert_close(shared_readout_weights(fixed, once.A), expected, atol=1e-12, rtol=1e-10)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize("name", ["N-MINCUTPOOL", "N-DIFFPOOL", "N-DIFFPOOL-V2"])
def test_precomputed_terms_change_nothing(small, dense, name, layers, monkeypatch):
    """Two seeds with graphs of their own: logits, gradients, and the trace."""
    model = build_model(name, small.dataset, seed=1, num_pool_layers=layers).double()
    if not dense:
        monkeypatch.setattr(adjacency, "MAX_DENSE_CLUSTERS", 0)
        model.shape = replace(model.shape, mean_nodes=0.0)
    terms = precompute_fixed_pooling(model, [1, 2], BatchBuilder(small.dataset, "cpu", torch.float64), 7)
    if name == "N-MINCUTPOOL":
        level = "" if layers > 1 else PER_NODE
        expected = {f"{level}{layers}/weights"}
        if layers > 1:
            expected |= {f"{PER_NODE}1/S A^T"} if dense else {"1/scale", "1/diagonal"}
        assert expected <= terms.keys()
    assert {name.split("/")[-2] for name in terms} == {str(level) for level in range(1, layers + 1)}
    half = small.dataset.store.num_graphs // 2
    batch = small.batch(torch.arange(2 * half).view(2, half))
    replicas = Replicas(model, [1, 2], torch.device("cpu"))
    results = []
    for given in (batch, with_precomputed(batch, terms)):
        logits, _, trace = replicas.template(given, trace=True)
        gradient = replicas.gradient(next(iter(replicas.groups)), logits.square().sum())
        results.append((logits, {name: layer.values for name, layer in trace.items()}, gradient))
    torch.testing.assert_close(*results, atol=1e-10, rtol=1e-10)


def test_only_fixed_assignments_have_terms(small):
    for name in ("MINCUTPOOL", "DIFFPOOL", "N-DIFFPOOL-INV", "GMN", "RANDOM-GMN", "GRACLUS"):
        model = build_model(name, small.dataset).double()
        assert not precompute_fixed_pooling(model, [1], BatchBuilder(small.dataset, "cpu", torch.float64), 7)


def test_an_adjacency_pooled_by_a_fixed_assignment_of_learned_clusters_is_not_fixed(small):
    """Only a chain of fixed assignments down to the input makes terms that never change."""
    graph = input_graph(small.batch())
    learned = pool(
        graph, Assignment(torch.rand(graph.nodes.pointer[-1], 3).double().softmax(-1), graph.nodes)
    )
    assert not pool(learned, FixedAssignment(torch.randn(3, 2).double(), learned.nodes)).level.fixed
    assert pool(graph, FixedAssignment(torch.randn(20, 2).double(), graph.nodes)).level.fixed


def test_the_transpose_of_factors_is_that_of_the_matrix(digraphs, no_matrices):
    batch = digraphs.batch()
    once = pooled_once(batch, leaves(batch)[0])
    identity = torch.eye(K1, dtype=torch.float64).expand(batch.num_graphs, K1, K1)
    torch.testing.assert_close(once.A.T @ identity, (once.A @ identity).mT, atol=1e-12, rtol=0)
    torch.testing.assert_close(once.A.to_matrix(), once.A @ identity, atol=1e-12, rtol=0)
    assert isinstance(once.nodes, ClusterNodes)


@pytest.mark.parametrize("name", ["MINCUTPOOL", "N-MINCUTPOOL", "DIFFPOOL", "DIFFPOOL-V2", "GMN", "GRACLUS"])
def test_graphs_of_a_step_are_freed_without_the_garbage_collector(name, small):
    """A circle of references would keep all tensors of a step until the collector finds it."""
    model = build_model(name, small.dataset).double()
    batch = small.batch()
    gc.collect()
    gc.disable()
    try:
        model(batch)
        assert not [found for found in gc.get_objects() if type(found).__mro__.count(Graph)]
    finally:
        gc.enable()
