"""The reference implementation computes what the package computes: same weights, same logits, losses and gradients."""

from __future__ import annotations

import re

import networkx as nx
import pytest
import torch
from small_graphs import dataset_of, named_graphs, store_of

from rethinkpool_core.batching.batch import BatchBuilder
from rethinkpool_core.models import build_model
from rethinkpool_core.reference import matching
from rethinkpool_core.reference.build import OVERRIDES, REFERENCE_MODELS, reference_model
from rethinkpool_core.reference.graphs import graph_list, loader
from rethinkpool_core.reference.training import Trainer, supervised
from rethinkpool_core.training.config import training_config
from rethinkpool_core.training.setup import TrainingSetup

CPU = torch.device("cpu")
# Our names of weights and PyG's. SAGEConv, before the first pooling layer, has its bias beside the other weight.
RULES = [
    (r"^first\.conv\.", "first."),
    (r"^assign\.(\d)\.gnn\.linear", r"linear.\1"),
    (r"\.gnn\.(?:stack\.)?", "."),
    (r"^(first|(?:assign|embed)\.0(?:\.convs\.\d)?)\.lin_rel\.weight", r"\1.lin_l.weight"),
    (r"^(first|(?:assign|embed)\.0(?:\.convs\.\d)?)\.lin_root\.weight", r"\1.lin_r.weight"),
    (r"^(first|(?:assign|embed)\.0(?:\.convs\.\d)?)\.lin_root\.bias", r"\1.lin_l.bias"),
    (r"\.assign\.keys$", ".k"),
    (r"\.assign\.mix\.", ".conv."),
    (r"^(memory\.\d)\.linear", r"\1.lin"),
]


def reference_name(name: str, reference_names) -> str:
    """Return the reference's name of our weight; the first layer of DIFFPOOL is a SAGEConv, that of others a GraphConv."""
    for pattern, replacement in RULES:
        renamed = re.sub(pattern, replacement, name)
        name = renamed if renamed in reference_names or not name.startswith("first.") else name
    return name


def twins(name: str, dataset, **overrides):
    """Our model in float64, and the reference with its weights."""
    model = build_model(name, dataset, seed=1, **OVERRIDES.get(name, {}), **overrides).double()
    reference = reference_model(model).double()
    expected = reference.state_dict()
    state = {}
    for key, value in model.state_dict().items():
        if "random" in key:  # ours are logits
            state[f"S_{re.search(r'[0-9]', key)[0]}"] = value.softmax(-1)
        elif key != "seed":
            key = reference_name(key, expected)
            state[key] = value.view(expected[key].shape)
    reference.load_state_dict(state)
    return model, reference


def batches(dataset, index):
    """The same graphs, in the same order, as both sides have them."""
    ours = BatchBuilder(dataset, dtype=torch.float64)(torch.as_tensor(index), rng_key=1)
    graphs = graph_list(dataset, torch.float64)
    (reference,) = loader(graphs, ours.graph_id, len(index), CPU)
    return ours, reference


def assert_equal_steps(name: str, dataset, index, **overrides):
    """Logits, losses and gradients in training, then logits in evaluation, with running statistics that have moved."""
    model, reference = twins(name, dataset, **overrides)
    batch, data = batches(dataset, index)
    logits, losses = model(batch)
    purity = losses.pop("purity", 0.0)
    (supervised("cross_entropy", logits, batch.y) + sum(losses.values()) + purity).backward()
    reference_logits, reference_losses = reference(data)
    reference_purity = 0.0
    if name == "GMN":
        reference_purity = reference.purity(data)
        model(batch)  # purity was a pass of its own: the running statistics have moved twice
    (
        supervised("cross_entropy", reference_logits, data.y)
        + sum(reference_losses.values())
        + reference_purity
    ).backward()
    close = {"atol": 1e-10, "rtol": 1e-8}
    torch.testing.assert_close(reference_logits, logits, **close)
    torch.testing.assert_close(reference_losses, losses, **close)
    torch.testing.assert_close(reference_purity, purity, **close)
    # A lone key takes all wherever it is: ours knows that its gradient is zero.
    names = dict(reference.named_parameters())
    ours = {
        reference_name(n, names): torch.zeros_like(p) if p.grad is None else p.grad
        for n, p in model.named_parameters()
    }
    for key, parameter in names.items():
        torch.testing.assert_close(parameter.grad, ours[key].view(parameter.shape), **close, msg=key)
    model.eval()
    reference.eval()
    torch.testing.assert_close(reference(data)[0], model(batch)[0], **close)


@pytest.fixture
def connected():
    """The named graphs that have an edge: PyG's MinCut losses are not numbers for the others."""
    return dataset_of(store_of([graph for graph in named_graphs().values() if graph.number_of_edges()]))


@pytest.mark.parametrize("name", ["MINCUTPOOL", "N-MINCUTPOOL", "N-DIFFPOOL", "N-DIFFPOOL-V2", "GMN"])
def test_same_function_on_a_batch(name, connected):
    assert_equal_steps(name, connected, range(6))


# PyG's link and entropy losses take a batch as one, padding included; per graph they are ours.
@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("name", ["DIFFPOOL", "DIFFPOOL-V2"])
def test_same_function_on_one_graph(name, number, connected):
    assert_equal_steps(name, connected, [number])


@pytest.mark.parametrize("changed", [{"num_pool_layers": 2, "cluster_ratio": 0.7}, {"sum_input": True}])
def test_same_function_of_diffpool_with_other_settings(changed, connected):
    assert_equal_steps("DIFFPOOL", connected, [0], **changed)


@pytest.mark.parametrize("name", ["DIFFPOOL", "DIFFPOOL-V2"])
def test_same_logits_of_diffpool_on_a_batch(name, connected):
    model, reference = twins(name, connected)
    batch, data = batches(connected, range(6))
    torch.testing.assert_close(reference(data)[0], model(batch)[0], atol=1e-10, rtol=1e-8)


@pytest.mark.parametrize("name", ["MINCUTPOOL", "N-DIFFPOOL", "N-DIFFPOOL-V2", "GMN"])
def test_same_function_on_directed_graphs(name, digraphs):
    assert_equal_steps(name, digraphs.dataset, range(4))


# Graphs whose maximal matchings are all alike, so that the result does not depend on which of them is drawn.
ALIKE = [nx.path_graph(2), nx.star_graph(4), nx.cycle_graph(4), nx.complete_graph(4), nx.empty_graph(4)]


@pytest.mark.parametrize("initial", [1, 2, 3])
@pytest.mark.parametrize("name", ["GRACLUS", "COMPLEMENT"])
def test_same_function_where_matchings_are_alike(name, initial):
    store = store_of(ALIKE)
    degree = torch.cat([torch.tensor([d for _, d in sorted(graph.degree)]) for graph in ALIKE]).double()
    store.x.copy_(torch.stack([degree, degree**2 - 3, torch.ones_like(degree)], 1))
    assert_equal_steps(name, dataset_of(store), range(len(ALIKE)), initial_convolutions=initial)


@pytest.mark.parametrize("kind", ["graph", "complement"])
def test_matchings_are_maximal_in_each_graph(kind, connected):
    _, data = batches(connected, range(6))
    cluster = matching.MATCHINGS[kind](data)
    _, cluster = cluster.unique(return_inverse=True)
    assert int(torch.bincount(cluster).max()) == 2
    single = [node for node in range(data.num_nodes) if int((cluster == cluster[node]).sum()) == 1]
    edges = set(map(tuple, data.edge_index.T.tolist()))

    def may_pair(a, b):
        return data.batch[a] == data.batch[b] and ((a, b) in edges) == (kind == "graph")

    assert not [(a, b) for a in single for b in single if a < b and may_pair(a, b)]
    for number in cluster.unique().tolist():
        pair = (cluster == number).nonzero().squeeze(1).tolist()
        assert len(pair) == 1 or may_pair(*pair)


def test_epochs_learn(connected):
    torch.manual_seed(0)
    model = reference_model(build_model("GMN", connected, seed=1))
    trainer = Trainer(model, kind="cross_entropy", learning_rate=0.01, clip_norm=2.0)
    graphs = graph_list(connected)

    def batch(shuffle=True):
        return loader(graphs, connected.train, 4, CPU, shuffle=shuffle)

    keys, weight = model.memory[0].k.detach().clone(), model.first.lin_rel.weight.detach().clone()
    losses = [trainer.train_epoch(batch()) for _ in range(30)]
    assert losses[-1] < losses[0]
    assert torch.equal(model.memory[0].k, keys)
    weight = model.first.lin_rel.weight.detach().clone()
    purities = [trainer.train_keys(batch(), len(connected.train)) for _ in range(30)]
    assert purities[-1] < purities[0]
    assert torch.equal(model.first.lin_rel.weight, weight)
    loss, accuracy = trainer.evaluate(batch(shuffle=False))
    assert loss > 0
    assert 0 <= accuracy <= 1


def test_every_reference_model_is_a_model_of_the_package(connected):
    for name in REFERENCE_MODELS:
        build_model(name, connected, **OVERRIDES.get(name, {}))


# PyG's graph losses of DIFFPOOL are those of a batch; GMN's purity has epochs of its own.
@pytest.mark.parametrize("name", ["MINCUTPOOL", "N-MINCUTPOOL", "N-DIFFPOOL", "N-DIFFPOOL-V2", "GMN"])
def test_fifty_steps_of_training(name):
    """Our trainer's steps, with all that makes them fast, beside stock PyG's and torch's Adam: every loss in float64."""
    graphs = [nx.connected_watts_strogatz_graph(6 + i % 15, 4, 0.3, seed=i) for i in range(100)]
    dataset = dataset_of(store_of(graphs))
    model, reference = twins(name, dataset)
    setup = TrainingSetup(model, dataset, training_config(name, dataset.name), CPU)
    replicas = setup.replicas([1])
    rates = torch.full((1,), 0.003, dtype=torch.float64)
    order = torch.arange(50 * 16).remainder(100).view(1, -1)
    update, ours = model.update(1), []
    for batch in setup.builder.batches(order, 16, rng_key=1, coarsening=setup.coarsening(replicas)):
        losses, gradient = replicas.step(batch, dataset.spec.loss, update)
        ours.append(torch.cat(list(losses.values())))
        replicas.groups[update.group].adam.step(gradient, rates, clip_norm=1.0)
    keys = {id(key) for key in getattr(reference, "keys", [])}
    rest = [p for p in reference.parameters() if id(p) not in keys]
    adam, theirs = torch.optim.Adam(rest, lr=0.003), []
    for data in loader(graph_list(dataset, torch.float64), order[0], 16, CPU):
        adam.zero_grad()
        logits, losses = reference(data)
        losses = [supervised("cross_entropy", logits, data.y), *losses.values()]
        sum(losses).backward()
        torch.nn.utils.clip_grad_norm_(rest, 1.0)
        adam.step()
        theirs.append(torch.stack(losses).detach())
    ours, theirs = torch.stack(ours), torch.stack(theirs)
    assert len(ours) == 50
    assert ours[:, 0].std() > 0.01
    torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-8)
