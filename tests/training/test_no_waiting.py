"""A training step never waits for the device: no shape depends on a value, and no value is copied to the host."""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from rethinkpool_core import build_model
from rethinkpool_core.training.config import training_config
from rethinkpool_core.training.setup import TrainingSetup

WAITING = ("_local_scalar_dense", "nonzero", "unique", "masked_select", "bincount", "equal", "is_nonzero")


class NoWaiting(TorchDispatchMode):
    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.__name__.split(".")[0].lstrip("_")
        assert name not in WAITING and function.__name__.split(".")[0] not in WAITING, f"{function} waits"
        # A mask as an index has as many results as it has ones.
        indices = args[1] if name in ("index", "index_put") else ()
        assert all(i is None or i.dtype is not torch.bool for i in indices), f"{function} waits for a mask"
        if name == "repeat_interleave":
            assert kwargs and kwargs.get("output_size") is not None, f"{function} waits"
        return function(*args, **(kwargs or {}))


def test_the_guard_sees_what_waits():
    x = torch.arange(4.0)
    for waits in (lambda: x.sum().item(), lambda: x[x > 1], lambda: x.nonzero(), lambda: bool((x > 9).any())):
        with NoWaiting(), pytest.raises(AssertionError, match="waits"):
            waits()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("GRACLUS", {}),
        ("COMPLEMENT", {}),
        ("DIFFPOOL", {}),
        ("N-DIFFPOOL-INV", {}),
        ("DIFFPOOL-V2", {}),
        ("DIFFPOOL-V2", {"norm_padding": True}),
        ("N-DIFFPOOL-V2", {}),
        ("MINCUTPOOL", {}),
        ("N-MINCUTPOOL", {}),
        ("GMN", {"norm_padding": True}),
        ("DISTANCE-GMN", {}),
        ("RANDOM-GMN", {}),
    ],
)
def test_step(name, options, digits):
    dataset = digits(60)
    model = build_model(name, dataset, **options)
    setup = TrainingSetup(model, dataset, training_config(name, dataset.name), torch.device("cpu"))
    replicas = setup.replicas([1, 2, 3])
    order = torch.stack([setup.split(seed).train[:8] for seed in replicas.seeds])
    (batch,) = setup.builder.batches(order, 8, rng_key=1, coarsening=setup.coarsening(replicas))
    if name not in ("GRACLUS", "COMPLEMENT"):
        _ = batch.buckets  # made before the step, with the batch
    rates = torch.full((3,), 1e-3)
    update = model.update(1)
    adam = replicas.groups[update.group].adam
    before = adam.theta.clone()
    with NoWaiting():
        _, gradient = replicas.step(batch, dataset.spec.loss, update)
        adam.step(gradient, rates, 1.0)
    assert not torch.equal(adam.theta, before)
