"""Batches padded to few shapes: what they hold is the same, and so is what models make of it."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from small_graphs import dataset_of, store_of

from rethinkpool_core import build_model
from rethinkpool_core.batching.batch import BatchBuilder
from rethinkpool_core.batching.shapes import GrowingShapes, round_up
from rethinkpool_core.training.config import training_config
from rethinkpool_core.training.setup import TrainingSetup

FAMILIES = [
    "MINCUTPOOL", "N-MINCUTPOOL", "DIFFPOOL", "DIFFPOOL-V2", "N-DIFFPOOL-V2", "GRACLUS", "COMPLEMENT", "NO-POOL", "GMN",
]  # fmt: skip
SMALLER = {"GMN": {"num_keys": [6, 1], "num_heads": 2}}


@pytest.fixture(scope="module")
def dataset():
    """Graphs of 1 to 40 nodes."""
    graphs = [nx.gnm_random_graph(1 + 7 * i % 40, 11 * i % 50, seed=i) for i in range(150)]
    return dataset_of(store_of(graphs), like="DIGITS").with_split(0)


def shape_of(batch) -> tuple:
    """Everything that decides which operations a step has, and on how much."""
    blocks = () if "1/members" in batch.tensors else (batch.buckets.shapes, len(batch.buckets.empty_slots))
    return batch.padded, blocks, tuple((name, tensor.shape) for name, tensor in sorted(batch.tensors.items()))


def losses_and_gradients(replicas, batches, kind):
    found = []
    for batch in batches:
        losses = replicas.losses(batch, kind)
        found += [
            *losses.values(),
            replicas.gradient(replicas.template.update(1).group, sum(losses.values())),
        ]
    return found


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("seeds", [[1], [1, 2, 3]])
def test_losses_and_gradients_of_exact_and_of_growing_shapes(name, seeds, dataset):
    model = build_model(name, dataset, **SMALLER.get(name, {})).double()
    setup = TrainingSetup(model, dataset, training_config(name, dataset.name), torch.device("cpu"))
    replicas = setup.replicas(seeds)
    order = torch.stack([torch.randperm(150, generator=torch.Generator().manual_seed(s)) for s in seeds])
    options = {"rng_key": 3, "coarsening": setup.coarsening(replicas)}
    exact = list(setup.builder.batches(order, 16, **options))
    # Larger graphs before: everything is padded by more than it needs.
    shapes = GrowingShapes()
    list(setup.builder.batches(order.sort(descending=True).values, 16, shapes=shapes, **options))
    padded = list(setup.builder.batches(order, 16, shapes=shapes, **options))
    assert all(p.num_rows > e.num_rows for p, e in zip(padded, exact, strict=True))
    expected = losses_and_gradients(replicas, exact, dataset.spec.loss)
    found = losses_and_gradients(replicas, padded, dataset.spec.loss)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)
    assert len({shape_of(batch) for batch in padded[:-1]}) == 1
    assert shape_of(padded[-1]) != shape_of(padded[0])


@pytest.mark.parametrize("name", ["MINCUTPOOL", "COMPLEMENT"])
def test_later_epochs_bring_few_new_shapes(name, dataset, monkeypatch):
    from rethinkpool_core.batching import batch as module

    monkeypatch.setitem(module._ENTRIES_AT_ONCE, "cpu", 1000)  # a chunk is a batch or two
    model = build_model(name, dataset)
    coarsening, builder, shapes = model.coarsening(), BatchBuilder(dataset), GrowingShapes()
    seen = []
    for epoch in range(1, 31):
        order = torch.randperm(150, generator=torch.Generator().manual_seed(epoch))
        batches = list(builder.batches(order, 16, rng_key=epoch, coarsening=coarsening, shapes=shapes))
        seen += [shape_of(batch) for batch in batches[:-1]]
    changes = [k for k in range(1, len(seen)) if seen[k] != seen[k - 1]]
    assert len(set(seen)) == len(changes) + 1  # none comes back: they only grow
    assert sum(k >= len(seen) // 2 for k in changes) <= 3
    assert len(changes) < 40


def test_rounding():
    for n in range(1, 5000):
        assert n <= round_up(n) <= max(n, n + n // 16)
    assert round_up(0) == 0
