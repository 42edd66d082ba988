"""Models take batches of PyG and give what they give for the package's own."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch_geometric.data import Batch as PygBatch
from torch_geometric.data import Data
from torch_geometric.loader import DataLoader

from rethinkpool_core import GraphDataset, build_model, load_dataset, train
from rethinkpool_core.batching.batch import BatchBuilder
from rethinkpool_core.errors import DataError, GraphTooLargeError, UsageError
from rethinkpool_core.models.names import MODELS
from rethinkpool_core.models.trace import RecordedTrace

DOUBLE = torch.float64


@pytest.fixture(scope="module")
def digits():
    return load_dataset("DIGITS")


def both(dataset, index, **options):
    """The same graphs as a batch of the package, with the place of each of them in ``index``, and as one of PyG."""
    graphs = [dataset._data(int(number), DOUBLE) for number in index]
    ours = BatchBuilder(dataset, dtype=DOUBLE)(index, **options)
    place = [ours.graph_id.tolist().index(int(number)) for number in index]
    return ours, place, PygBatch.from_data_list(graphs)


@pytest.mark.parametrize("name", MODELS)
def test_logits_losses_and_gradients(name, digits):
    index = digits.test[[5, 0, 3, 11]]
    ours, place, theirs = both(digits, index)
    model = build_model(name, digits).double().train()
    results = []
    for batch, order in ((ours, place), (theirs, [0, 1, 2, 3])):
        model.zero_grad()
        logits, losses = model(batch)
        (logits.square().sum() + sum(losses.values())).backward()
        results.append((logits[order], losses, [p.grad for p in model.parameters() if p.grad is not None]))
    (logits, losses, gradients), (found, found_losses, found_gradients) = results
    assert torch.allclose(logits, found, rtol=0, atol=1e-12)
    assert losses.keys() == found_losses.keys()
    assert all(torch.allclose(losses[key], found_losses[key], rtol=0, atol=1e-12) for key in losses)
    for one, other in zip(gradients, found_gradients, strict=True):
        assert torch.allclose(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["GRACLUS", "MINCUTPOOL", "GMN"])
def test_traces_are_in_the_order_of_the_batch(name, digits):
    index = digits.test[[5, 0, 3, 11]]
    ours, place, theirs = both(digits, index)
    model = build_model(name, digits).double().eval()
    expected, found = model(ours, trace=True)[2], model(theirs, trace=True)[2]
    assert expected.keys() == found.keys()
    for layer, activation in expected.items():
        for number, at in enumerate(place):
            assert torch.allclose(activation.of_graph(at), found[layer].of_graph(number), atol=1e-12)


def test_a_trace_of_a_readers_own_is_shown_the_layers(digits):
    index = digits.test[[5, 0, 3, 11]]
    ours, _, theirs = both(digits, index)
    model, recorded = build_model("MINCUTPOOL", digits).double().eval(), RecordedTrace()
    logits, losses = model(theirs, trace=recorded)
    assert torch.equal(logits, model(theirs)[0]) and losses.keys() == {"cut", "orthogonality"}
    for layer, activation in model(ours, trace=True)[2].items():
        assert torch.allclose(recorded.layers[layer].values, activation.values, atol=1e-12)


def test_molecules(molecules):
    ours, place, theirs = both(molecules.dataset, torch.tensor([4, 2, 1]))
    model = build_model("MINCUTPOOL", molecules.dataset).double().eval()
    assert torch.allclose(model(ours)[0][place], model(theirs)[0], atol=1e-12)


def test_a_training_loop_of_a_readers_own(digits):
    model = build_model("N-MINCUTPOOL", digits)
    adam = torch.optim.Adam(model.parameters(), lr=0.01)
    graphs = [digits[int(number)] for number in digits.train[:128]]
    losses = []
    for _ in range(12):
        for batch in DataLoader(graphs, batch_size=64):
            logits, auxiliary = model(batch)
            loss = torch.nn.functional.cross_entropy(logits, batch.y) + sum(auxiliary.values())
            adam.zero_grad()
            loss.backward()
            adam.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.05


def test_single_graph_without_number(digits):
    graph = digits[3]
    del graph.graph_id
    model = build_model("MINCUTPOOL", digits).eval()
    assert torch.allclose(model(graph)[0], model.predict(digits, torch.tensor([3])), atol=1e-5)


def test_a_graph_without_edge_index_has_no_edges(digits):
    x, model = torch.rand(4, 3), build_model("MINCUTPOOL", digits).eval()
    without = model(Data(x=x, edge_index=torch.empty(2, 0, dtype=torch.int64)))[0]
    assert torch.equal(model(Data(x=x))[0], without)


def test_gradients_reach_the_node_features_unrounded(digits):
    """Features that float16 holds exactly had gradients in float16: small ones became 0."""
    graph, model = digits[0].clone(), build_model("MINCUTPOOL", digits).double().eval()

    def output(x):
        graph.x = x
        return 1e-9 * model(graph)[0][0, 0]

    x, step = torch.ones(graph.num_nodes, 3, dtype=DOUBLE, requires_grad=True), 2**-12
    output(x).backward()
    with torch.no_grad():
        slope = (output(x + step) - output(x - step)) / (2 * step)
    assert x.grad.sum().item() == pytest.approx(slope.item(), rel=1e-4)


def test_molecules_need_their_edge_features(molecules):
    model = build_model("MINCUTPOOL", molecules.dataset).eval()
    graph = molecules.dataset[0]
    del graph.edge_attr
    with pytest.raises(DataError, match="give edge_attr"):
        model(graph)


def test_predictions_are_in_the_order_of_the_index(digits):
    model = build_model("DIFFPOOL-V2", digits).double().train()
    index = torch.tensor([9, 3, 1700, 3])
    found = model.predict(digits, index, batch_size=2)
    assert model.training
    model.eval()
    for row, number in zip(found, index.tolist(), strict=True):
        assert torch.allclose(row, model(digits._data(number, DOUBLE))[0][0], atol=1e-12)
    assert model.predict(digits).shape == (1797, 10)


BAD = {
    "no batch": ([1, 2], UsageError, "list"),
    "width": (Data(x=torch.rand(3, 2), edge_index=torch.tensor([[0], [1]])), DataError, "3 columns"),
    "no features": (Data(edge_index=torch.tensor([[0], [1]]), num_nodes=2), DataError, "no node features"),
    "not finite": (Data(x=torch.full((2, 3), torch.nan)), DataError, "not a finite number: replace it"),
    "no nodes": (Data(x=torch.rand(0, 3)), DataError, "no graph of the batch has a node"),
    "features in a list": (
        Data(x=[[1.0, 2.0, 3.0]], edge_index=torch.tensor([[0], [0]])),
        DataError,
        "type list",
    ),
    "sparse features": (Data(x=torch.eye(3).to_sparse()), DataError, "layout torch.sparse_coo"),
    "beyond float32": (
        Data(x=torch.full((2, 3), 1e300, dtype=DOUBLE)),
        DataError,
        "not a finite number: replace it",
    ),
    "edges as a matrix": (
        Data(x=torch.rand(3, 3), adj_t=torch.eye(3).to_sparse()),
        DataError,
        "the batch has adj_t in place of edge_index",
    ),
    "edges one per row": (
        Data(x=torch.rand(3, 3), edge_index=torch.zeros(4, 2).long()),
        DataError,
        r"\(4, 2\)",
    ),
    "name in place of the number": (
        Data(x=torch.rand(3, 3), graph_id="g1"),
        DataError,
        "graph_id of type str",
    ),
    "edge outside": (Data(x=torch.rand(3, 3), edge_index=torch.tensor([[0], [3]])), DataError, "0 to 2"),
    "edge between graphs": (
        PygBatch(x=torch.rand(3, 3), edge_index=torch.tensor([[0], [2]]), batch=torch.tensor([0, 0, 1])),
        DataError,
        "joins two graphs",
    ),
    "order": (
        PygBatch(x=torch.rand(3, 3), edge_index=torch.empty(2, 0).long(), batch=torch.tensor([0, 1, 0])),
        DataError,
        "order of their graphs",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_does_not_fit_is_said_in_one_sentence(case, digits):
    batch, kind, word = BAD[case]
    with pytest.raises(kind, match=word):
        build_model("NO-POOL", digits)(batch)


def test_predictions_for_numbers_in_a_list_or_a_range(digits):
    model = build_model("NO-POOL", digits)
    assert torch.equal(model.predict(digits, [2, 0, 1])[[1, 2, 0]], model.predict(digits, range(3)))


CANNOT_BE_PREDICTED = {
    "graphs of PyG": (lambda digits: (digits.to_pyg(),), UsageError, "dataset is of type list"),
    "negative number": (
        lambda digits: (digits, [-1]),
        UsageError,
        "index must hold whole numbers from 0 to 1796",
    ),
    "mask": (lambda digits: (digits, digits.store.y == 0), UsageError, "index must hold"),
    "other features": (
        lambda digits: (GraphDataset.from_pyg([Data(x=torch.rand(2, 5), y=0)] * 3, name="WIDE"),),
        DataError,
        "WIDE has node features of 5 columns and the model was built for 3 columns",
    ),
}


@pytest.mark.parametrize("case", CANNOT_BE_PREDICTED)
def test_what_cannot_be_predicted_is_said_in_one_sentence(case, digits):
    arguments, kind, word = CANNOT_BE_PREDICTED[case]
    with pytest.raises(kind, match=word):
        build_model("NO-POOL", digits).predict(*arguments(digits))


def test_models_are_built_and_trained_for_a_dataset_of_the_package(digits):
    for dataset in (digits.to_pyg()[:9], "DIGITS"):
        with pytest.raises(UsageError, match="give what load_dataset or"):
            build_model("NO-POOL", dataset)
        with pytest.raises(UsageError, match="give what load_dataset or"):
            train(build_model("NO-POOL", digits), dataset, 1, max_epochs=1, progress=False)


def test_predictions_of_no_graphs_and_of_graphs_that_are_too_large(digits):
    model = build_model("MINCUTPOOL", digits).double().train()
    found = model.predict(digits, digits.test[:0])
    assert found.shape == (0, 10) and found.dtype == DOUBLE
    model.shape = replace(model.shape, max_nodes=2)
    with pytest.raises(GraphTooLargeError):
        model.predict(digits)
    assert model.training, "as it was"
