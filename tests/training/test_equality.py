"""What makes training fast changes nothing: losses of the first twenty steps with and without it, in float64."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import networkx as nx
import pytest
import torch
from small_graphs import dataset_of, store_of
from torch.utils._python_dispatch import TorchDispatchMode

from rethinkpool_core import build_model
from rethinkpool_core.batching import buckets
from rethinkpool_core.batching.padded import PaddedBatches
from rethinkpool_core.engine import adjacency, softmax
from rethinkpool_core.engine.mode import as_written
from rethinkpool_core.models.base import Shape
from rethinkpool_core.training import precompute
from rethinkpool_core.training.config import training_config
from rethinkpool_core.training.epoch import shuffled
from rethinkpool_core.training.setup import TrainingSetup

STEPS, SIZE = 20, 16
CLOSE = {"rtol": 1e-8, "atol": 1e-8}
SMALLER = {"GMN": {"num_keys": [6, 1], "num_heads": 2}, "DISTANCE-GMN": {"num_keys": [6, 1], "num_heads": 2}}


@pytest.fixture(params=["superpixels", "labelled"])
def dataset(request, digits):
    """Graphs of like size with real features, and graphs of 5 to 60 nodes with one label of three a node."""
    if request.param == "superpixels":
        return digits(120)
    graphs = [nx.connected_watts_strogatz_graph(5 + 7 * i % 56, 4, 0.3, seed=i) for i in range(120)]
    store = store_of(graphs, features=1)
    labels = torch.randint(3, store.x.shape, generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    return replace(dataset_of(replace(store, x=labels), like="NCI1"), num_features=3).with_split(0)


def no_mean_nodes(monkeypatch):
    """Models take graphs to have no nodes on average, so that matrices of clusters are never the smaller choice."""
    plain = Shape.of.__func__
    monkeypatch.setattr(Shape, "of", classmethod(lambda cls, data: replace(plain(cls, data), mean_nodes=0.0)))


class Operations(TorchDispatchMode):
    """How often each operation ran, by the shape of its result."""

    def __init__(self):
        super().__init__()
        self.seen = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        self.seen[str(function), out.shape if isinstance(out, torch.Tensor) else None] += 1
        return out


def losses_of_steps(name, dataset, seeds=(1,), steps=STEPS, **model):
    """(R, steps, losses): all losses of the trainer's steps. Every fifth moves GMN's keys, by the purity loss, and only them."""
    model = build_model(name, dataset, **(SMALLER.get(name, {}) | model)).double()
    setup = TrainingSetup(model, dataset, training_config(name, dataset.name), torch.device("cpu"))
    replicas = setup.replicas(list(seeds))
    order = torch.stack([shuffled(setup.split(seed).train, seed, 1) for seed in seeds])
    order = order.repeat(1, -(-steps * SIZE // order.shape[1]))[:, : steps * SIZE]
    # Those of the protocol. At three times these, fifty steps make 1e-7 of a rounding error, also of one seed alone.
    rates = torch.tensor([0.001 * 0.5 ** (seed % 3) for seed in seeds], dtype=torch.float64)
    found = []
    for batch in setup.builder.batches(order, SIZE, rng_key=1, coarsening=setup.coarsening(replicas)):
        losses = replicas.losses(batch, dataset.spec.loss)
        found.append(torch.stack([loss.detach() for loss in losses.values()], -1))
        purity = losses.pop("purity", None)
        of_keys = purity is not None and len(found) % 5 == 0
        group, loss = ("keys", purity) if of_keys else (model.update(1).group, sum(losses.values()))
        replicas.groups[group].adam.step(replicas.gradient(group, loss), rates, 1.0)
    found = torch.stack(found, 1)
    assert found.shape[:2] == (len(seeds), steps)
    return found


def assert_same_losses(name, dataset, change, seeds=(1,), **model):
    """``change`` makes steps take other operations, and every loss stays what it was."""
    expected = losses_of_steps(name, dataset, seeds, **model)
    assert expected[..., 0].std() > 0.01
    with Operations() as before:
        losses_of_steps(name, dataset, seeds, 1, **model)
    change()
    with Operations() as after:
        losses_of_steps(name, dataset, seeds, 1, **model)
    assert before.seen != after.seen
    torch.testing.assert_close(losses_of_steps(name, dataset, seeds, **model), expected, **CLOSE)


# (module, constant, its other value, models)
CONSTANTS = [
    (
        precompute,
        "max_bytes",
        lambda device: 0,
        ["N-MINCUTPOOL", "N-DIFFPOOL-V2", "N-DIFFPOOL", "B-DIFFPOOL"],
    ),
    (buckets, "MAX_BUCKETS", 1, ["MINCUTPOOL", "DIFFPOOL-V2", "GMN"]),
    (softmax, "NARROW", 0, ["DIFFPOOL-V2", "GMN"]),
]


@pytest.mark.parametrize(
    ("module", "constant", "other", "name"),
    [(module, constant, other, name) for module, constant, other, names in CONSTANTS for name in names],
)
def test_without(module, constant, other, name, dataset, monkeypatch):
    two_layers = {"num_pool_layers": 2} if name == "B-DIFFPOOL" else {}
    assert getattr(module, constant) != other
    assert_same_losses(name, dataset, lambda: monkeypatch.setattr(module, constant, other), **two_layers)


@pytest.mark.parametrize(
    "name", ["MINCUTPOOL", "N-MINCUTPOOL", "DIFFPOOL", "N-DIFFPOOL", "DIFFPOOL-V2", "N-DIFFPOOL-V2"]
)
def test_as_written(name, dataset, monkeypatch):
    """Matrices, nothing precomputed, means last; beside it products of factors, precomputed terms, and one weight per node."""
    monkeypatch.setattr(adjacency, "MAX_DENSE_CLUSTERS", 0)
    no_mean_nodes(monkeypatch)
    expected = losses_of_steps(name, dataset)
    assert expected[..., 0].std() > 0.01
    with as_written():
        torch.testing.assert_close(losses_of_steps(name, dataset), expected, **CLOSE)
        with Operations() as written:
            losses_of_steps(name, dataset, steps=1)
    with Operations() as by_rules:
        losses_of_steps(name, dataset, steps=1)
    assert written.seen != by_rules.seen


@pytest.mark.parametrize("name", ["MINCUTPOOL", "DIFFPOOL-V2", "GRACLUS", "GMN"])
def test_larger_padding(name, dataset, monkeypatch):
    plain = PaddedBatches.__init__

    def larger(self, graphs, index, least_rows=0, least_edges=0, below=None):
        plain(self, graphs, index, least_rows + 700, least_edges + 5000, below)

    assert_same_losses(name, dataset, lambda: monkeypatch.setattr(PaddedBatches, "__init__", larger), [1, 2])


TWENTY = ["GRACLUS", "DIFFPOOL-V2", "N-MINCUTPOOL"]
SLOW = [
    "COMPLEMENT", "NO-POOL", "DIFFPOOL", "N-DIFFPOOL-INV", "N-DIFFPOOL-V2", "MINCUTPOOL", "GMN", "DISTANCE-GMN", "RANDOM-GMN",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "steps"),
    [(name, 10) for name in TWENTY]
    + [pytest.param(name, 50, marks=pytest.mark.slow) for name in TWENTY + SLOW],
)
def test_twenty_at_once_are_twenty_alone(name, steps, dataset):
    seeds = range(1, 21)
    together = losses_of_steps(name, dataset, seeds, steps)
    assert together[..., 0].std() > 0.01
    for seed, row in zip(seeds, together, strict=True):
        torch.testing.assert_close(losses_of_steps(name, dataset, [seed], steps)[0], row, **CLOSE)
