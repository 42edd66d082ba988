"""Graphs coarsened for many batches at once are those that each step would draw by itself."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from rethinkpool_core import build_model
from rethinkpool_core.batching.batch import BatchBuilder
from rethinkpool_core.graphs import coarsening
from rethinkpool_core.training.config import training_config
from rethinkpool_core.training.epoch import shuffled
from rethinkpool_core.training.replicas import Replicas
from rethinkpool_core.training.setup import TrainingSetup

STEPS, SIZE = 50, 4


def losses_of_steps(name, dataset, seeds):
    """Losses (R, STEPS) with the parts of the trainer."""
    model = build_model(name, dataset).double()
    setup = TrainingSetup(model, dataset, training_config(name, dataset.name), torch.device("cpu"))
    replicas = Replicas(model, seeds, setup.device)
    order = torch.stack([shuffled(setup.split(seed).train, seed, 1) for seed in seeds])
    order = order[:, : STEPS * SIZE]
    rates = torch.full((len(seeds),), 0.003, dtype=torch.float64)
    found = []
    for batch in setup.builder.batches(order, SIZE, rng_key=1, coarsening=setup.coarsening(replicas)):
        losses, gradient = replicas.step(batch, dataset.spec.loss, model.update(1))
        replicas.groups["all"].adam.step(gradient, rates, 0.0)
        found.append(losses["train_loss"])
    return torch.stack(found, 1)


def losses_of_plain_steps(name, dataset, seed):
    """Losses (STEPS,) of a loop that calls the model with batches that are not coarsened yet."""
    model = build_model(name, dataset, seed=seed).double()
    builder = BatchBuilder(dataset, dtype=torch.float64)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.003)
    found = []
    order = shuffled(dataset.with_split(seed).train, seed, 1)[: STEPS * SIZE]
    for index in order.split(SIZE):
        batch = builder(index, rng_key=1)
        loss = F.cross_entropy(model(batch)[0], batch.y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        found.append(loss.detach())
    return torch.stack(found)


@pytest.mark.parametrize("name", ["GRACLUS", "COMPLEMENT"])
def test_fifty_steps(name, digits):
    dataset, seeds = digits(260), [1, 2, 3]
    together = losses_of_steps(name, dataset, seeds)
    assert together.shape == (3, STEPS)
    assert together.std() > 0.01
    for seed, row in zip(seeds, together, strict=True):
        alone = losses_of_steps(name, dataset, [seed])[0]
        torch.testing.assert_close(alone, losses_of_plain_steps(name, dataset, seed), rtol=1e-8, atol=1e-8)
        torch.testing.assert_close(row, alone, rtol=1e-8, atol=1e-8)


def test_evaluation_matches_once_for_the_same_replicas(digits, run, monkeypatch):
    """Training graphs are matched anew in each of four epochs, validation and test graphs once."""
    drawn = []
    plain = coarsening.Coarsening._coarsen

    def counted(self, graphs, index, rng_key):
        drawn.append((self.cache is not None, index.numel()))
        return plain(self, graphs, index, rng_key)

    monkeypatch.setattr(coarsening.Coarsening, "_coarsen", counted)
    dataset = digits(60)
    run("GRACLUS", dataset, [1, 2], max_epochs=4, batch_size=50, replicas=2)
    assert sum(count for cached, count in drawn if not cached) == 4 * 2 * len(dataset.train)
    assert sum(count for cached, count in drawn if cached) == 2 * (len(dataset.val) + len(dataset.test))
