"""The first twenty losses of every model are those of the code whose models were compared with the authors' release."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from rethinkpool_core import build_model, load_dataset
from rethinkpool_core.models.names import MODELS
from rethinkpool_core.training.config import training_config
from rethinkpool_core.training.epoch import shuffled
from rethinkpool_core.training.setup import TrainingSetup

# On DIGITS in float64, seed 1, batches of 16, rate 0.001, written by commit 96fef6d; every fifth step of GMN moves its keys.
FIRST_LOSSES = json.loads(Path(__file__).with_name("first_losses.json").read_text())


@pytest.fixture(scope="module")
def dataset(data_folder):
    return load_dataset("DIGITS", data_folder, split_seed=1)


@pytest.mark.parametrize("name", MODELS)
def test_first_losses(name, dataset):
    model = build_model(name, dataset).double()
    setup = TrainingSetup(model, dataset, training_config(name, dataset.name), torch.device("cpu"))
    replicas = setup.replicas([1])
    order = shuffled(setup.split(1).train, 1, 1)[None, : 20 * 16]
    rates, found = torch.tensor([0.001], dtype=torch.float64), {name: [] for name in FIRST_LOSSES[name]}
    batches = setup.builder.batches(order, 16, rng_key=1, coarsening=setup.coarsening(replicas))
    for step, batch in enumerate(batches, start=1):
        losses = replicas.losses(batch, dataset.spec.loss)
        for loss, values in found.items():
            values.append(float(losses[loss].detach()))
        purity = losses.pop("purity", None)
        of_keys = purity is not None and step % 5 == 0
        group, loss = ("keys", purity) if of_keys else (model.update(1).group, sum(losses.values()))
        replicas.groups[group].adam.step(replicas.gradient(group, loss), rates, 1.0)
    assert losses.keys() | {"purity"} >= found.keys()
    for loss, values in FIRST_LOSSES[name].items():
        assert found[loss] == pytest.approx(values, rel=1e-8, abs=1e-10)
