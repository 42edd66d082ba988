"""What makes training fast changes nothing: losses of the first fifty steps with and without it, in float64."""

from __future__ import annotations

import pytest
import torch

from rethinkpool_core import build_model
from rethinkpool_core.data import blocks
from rethinkpool_core.ops import pooling, softmax
from rethinkpool_core.training import known
from rethinkpool_core.training.config import training_config
from rethinkpool_core.training.epoch import Task, shuffled

STEPS, SIZE = 50, 16
CLOSE = {"rtol": 1e-8, "atol": 1e-8}
SMALLER = {"GMN": {"num_keys": [6, 1], "num_heads": 2}, "DISTANCE-GMN": {"num_keys": [6, 1], "num_heads": 2}}


def losses_of_steps(name, dataset, seeds=(1,), steps=STEPS, **model):
    """(R, steps, losses): all losses of the trainer's steps; GMN's purity is among them and moves nothing."""
    model = build_model(name, dataset, **(SMALLER.get(name, {}) | model)).double()
    task = Task(model, dataset, training_config(name, dataset.name), torch.device("cpu"))
    replicas = task.replicas(list(seeds))
    order = torch.stack([shuffled(task.split(seed).train, seed, 1) for seed in seeds])
    order = order.repeat(1, -(-steps * SIZE // order.shape[1]))[:, : steps * SIZE]
    rates = torch.full((len(seeds),), 0.003, dtype=torch.float64)
    found = []
    for batch in task.builder.batches(order, SIZE, draw=1, coarsening=task.coarsening(replicas)):
        losses = replicas.losses(batch, dataset.spec.loss)
        found.append(torch.stack([loss.detach() for loss in losses.values()], -1))
        losses.pop("purity", None)
        gradient = replicas.gradient("rest", sum(losses.values()))
        replicas.groups["rest"].adam.step(gradient, rates, 1.0)
    found = torch.stack(found, 1)
    assert found.shape[:2] == (len(seeds), steps)
    assert found[..., 0].std() > 0.01
    return found


# (module, constant, its other value, models)
CONSTANTS = [
    (known, "LIMIT", 0, ["N-MINCUTPOOL", "N-DIFFPOOL-V2", "N-DIFFPOOL", "B-DIFFPOOL"]),
    (blocks, "MAX_GROUPS", 1, ["MINCUTPOOL", "DIFFPOOL-V2", "GMN"]),
    (softmax, "NARROW", 0, ["DIFFPOOL-V2", "GMN"]),
]


@pytest.mark.parametrize(
    ("module", "constant", "other", "name"),
    [(module, constant, other, name) for module, constant, other, names in CONSTANTS for name in names],
)
def test_without(module, constant, other, name, digits, monkeypatch):
    dataset = digits(120)
    two_layers = {"num_pool_layers": 2} if name == "B-DIFFPOOL" else {}
    fast = losses_of_steps(name, dataset, **two_layers)
    assert getattr(module, constant) != other
    monkeypatch.setattr(module, constant, other)
    torch.testing.assert_close(losses_of_steps(name, dataset, **two_layers), fast, **CLOSE)


@pytest.mark.parametrize("name", ["MINCUTPOOL", "N-MINCUTPOOL", "DIFFPOOL", "N-DIFFPOOL"])
def test_coarse_graphs_as_matrices_and_as_factors(name, digits, monkeypatch):
    dataset = digits(120)
    matrices = losses_of_steps(name, dataset)
    written = []
    plain = pooling.Coarse.__init__

    def watched(self, *args, **options):
        plain(self, *args, **options)
        written.append(self.values is not None)

    monkeypatch.setattr(pooling, "SMALL", 0)

    def without_nodes(self, A, S, nodes, *args, **options):
        watched(self, A, S, 0.0, *args, **options)

    monkeypatch.setattr(pooling.Coarse, "__init__", without_nodes)
    factors = losses_of_steps(name, dataset)
    assert written
    assert not any(written)
    torch.testing.assert_close(factors, matrices, **CLOSE)


@pytest.mark.parametrize("name", ["MINCUTPOOL", "DIFFPOOL-V2", "GRACLUS", "GMN"])
def test_larger_padding(name, digits, monkeypatch):
    from rethinkpool_core.data.padded import PaddedBatches

    dataset = digits(120)
    exact = losses_of_steps(name, dataset, [1, 2])
    plain = PaddedBatches.__init__

    def larger(self, graphs, index, least_rows=0, least_edges=0, below=None):
        plain(self, graphs, index, least_rows + 700, least_edges + 5000, below)

    monkeypatch.setattr(PaddedBatches, "__init__", larger)
    torch.testing.assert_close(losses_of_steps(name, dataset, [1, 2]), exact, **CLOSE)


TWENTY = ["GRACLUS", "DIFFPOOL-V2", "N-MINCUTPOOL"]
SLOW = [
    "COMPLEMENT", "NO-POOL", "DIFFPOOL", "N-DIFFPOOL-INV", "N-DIFFPOOL-V2", "MINCUTPOOL", "GMN", "DISTANCE-GMN", "RANDOM-GMN",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "steps"),
    [(name, 10) for name in TWENTY]
    + [pytest.param(name, STEPS, marks=pytest.mark.slow) for name in TWENTY + SLOW],
)
def test_twenty_at_once_are_twenty_alone(name, steps, digits):
    dataset, seeds = digits(120), range(1, 21)
    together = losses_of_steps(name, dataset, seeds, steps)
    for seed, row in zip(seeds, together, strict=True):
        torch.testing.assert_close(losses_of_steps(name, dataset, [seed], steps)[0], row, **CLOSE)
