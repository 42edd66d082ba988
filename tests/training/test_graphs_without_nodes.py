"""Graphs without nodes, of which published sets have some: they train, and leave the other graphs alone."""

from __future__ import annotations

import math

import networkx as nx
import pytest
import torch
from tu_files import write_tu_mirror

from rethinkpool_core import build_model, load_dataset, train
from rethinkpool_core.batching.batch import BatchBuilder
from rethinkpool_core.datasets.fetch import fetch
from rethinkpool_core.models.names import MODELS
from rethinkpool_core.training.config import training_config
from rethinkpool_core.training.epoch import shuffled
from rethinkpool_core.training.setup import TrainingSetup

EMPTY = [0, 5, 6, 7, 8, 14, 15, 22, 29]  # the first and the last of 30 among them
FAMILIES = [
    "GRACLUS", "COMPLEMENT", "NO-POOL", "DIFFPOOL", "DIFFPOOL-V2", "N-DIFFPOOL-V2", "MINCUTPOOL", "N-MINCUTPOOL", "GMN",
    "RANDOM-GMN",
]  # fmt: skip


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """A TU set with graphs without nodes, fetched from an archive."""
    folder = tmp_path_factory.mktemp("holes")
    graphs = [
        nx.empty_graph(0)
        if number in EMPTY
        else nx.gnm_random_graph(2 + number % 9, 2 * (number % 9), seed=number)
        for number in range(30)
    ]
    write_tu_mirror(folder / "mirror", "HOLES", graphs, [number % 2 for number in range(30)])
    fetch(["TU:HOLES"], folder / "root", folder / "mirror")
    return load_dataset("TU:HOLES", folder / "root")


@pytest.mark.parametrize("name", FAMILIES)
def test_two_epochs(name, dataset):
    """The second one unsupervised for GMN; one batch at least has no node at all."""
    seeds = [1, 2]
    orders = [shuffled(dataset.with_split(seed).train, seed, epoch) for seed in seeds for epoch in (1, 2)]
    assert any(set(pair.tolist()) <= set(EMPTY) for order in orders for pair in order.split(2))
    model = build_model(name, dataset, **({"purity_period": 2} if name == "GMN" else {}))
    records = train(model, dataset, seeds, max_epochs=2, batch_size=2, device="cpu", progress=False)
    for record in records:
        assert record.error is None
        losses = {curve: values for curve, values in record.curves.items() if curve != "purity"}
        assert all(math.isfinite(value) for values in losses.values() for value in values)
        assert name != "GMN" or math.isfinite(record.curves["purity"][1])
        assert all(weight.isfinite().all() for weight in record.weights.values())


@pytest.mark.parametrize("name", MODELS)
def test_other_graphs_of_the_batch_are_unchanged(name, dataset):
    model = build_model(name, dataset, seed=3).double()
    builder = BatchBuilder(dataset, dtype=torch.float64)
    model(builder(dataset.train))  # running statistics
    model.eval()

    def logits(index):
        batch = builder(torch.tensor(index))
        return dict(zip(batch.graph_id.tolist(), model(batch)[0], strict=True))

    alone, beside = logits([1, 2, 12, 28]), logits([0, 1, 2, 14, 12, 28, 29])
    for number, expected in alone.items():
        torch.testing.assert_close(beside[number], expected, rtol=0, atol=1e-12)
    assert all(beside[number].isfinite().all() for number in (0, 14, 29))


@pytest.mark.parametrize("seeds", [[3], [3, 4]])
@pytest.mark.parametrize("name", MODELS)
def test_batch_without_any_node(name, seeds, dataset):
    """Losses and gradients are finite, and the graphs, which have nothing to tell them apart, get the same logits."""
    model = build_model(name, dataset).double()
    setup = TrainingSetup(model, dataset, training_config(name, dataset.name), torch.device("cpu"))
    replicas = setup.replicas(seeds)
    order = torch.tensor([[0, 7, 29]] * len(seeds))
    (batch,) = setup.builder.batches(order, 3, rng_key=1, coarsening=setup.coarsening(replicas))
    assert int(batch.num_nodes.sum()) == 0
    losses = replicas.losses(batch, dataset.spec.loss)
    assert all(loss.isfinite().all() for loss in losses.values())
    leaves = [leaf for group in replicas.groups.values() for leaf in group.leaves.values()]
    gradients = torch.autograd.grad(sum(losses.values()).sum(), leaves, allow_unused=True)
    assert all(gradient is None or gradient.isfinite().all() for gradient in gradients)
    logits, _ = replicas.call(batch, training=False, auxiliary=False)
    torch.testing.assert_close(logits, logits[:, :1].expand_as(logits), rtol=0, atol=1e-12)
