"""The trainer follows what a model declares: which losses an epoch minimises, which parameters it moves, in how many steps."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

from rethinkpool_core import build_model, train
from rethinkpool_core.batching.batch import BatchBuilder
from rethinkpool_core.models.base import build
from rethinkpool_core.models.mincutpool import MinCutPool
from rethinkpool_core.models.update import Update
from rethinkpool_core.training.schedule import Schedule


class Alternating(MinCutPool):
    """In even epochs the assignments follow the cut loss in one step; in odd ones the rest follows the supervised loss."""

    def parameter_group(self, name):
        return "assignments" if name.startswith("assign") else "rest"

    def update(self, epoch):
        if epoch % 2:
            return Update("rest", auxiliary=False)
        return Update("assignments", loss="cut", full_batch=True)


def trained(dataset, max_epochs, kind=Alternating):
    like = build_model("MINCUTPOOL", dataset)
    model = build(kind, like.shape, like.config, seed=0).double()
    model.name = "MINCUTPOOL"
    options = {"batch_size": 20, "clip_norm": 0.0, "device": "cpu", "progress": False}
    return train(model, dataset, [1, 2], max_epochs=max_epochs, **options)


def test_curves_of_losses_that_an_epoch_does_not_compute(digits):
    for record in trained(digits(60), 5):
        assert record.curves.keys() >= {"cut", "orthogonality"}
        for name, curve in record.curves.items():
            computed = [epoch % 2 == 0 or name not in ("cut", "orthogonality") for epoch in range(1, 6)]
            assert [math.isfinite(value) for value in curve] == computed, name
        assert record.error is None, "a loss that was not computed is no failure"


def test_groups_move_in_turns(digits, monkeypatch):
    """Weights after every epoch, whichever scored best."""
    monkeypatch.setattr(Schedule, "update", lambda self, epoch, value, config: True)
    dataset, after = digits(60), []
    for epochs in (1, 2, 3, 4):
        after.append(trained(dataset, epochs)[0].weights)
    assert {name for name in after[0] if name.startswith("assign")}, "the group is not empty"
    for epoch, (before, now) in enumerate(pairwise(after), start=2):
        for name in dict(build_model("MINCUTPOOL", dataset).named_parameters()):
            moves = name.startswith("assign") == (epoch % 2 == 0)
            assert torch.equal(before[name], now[name]) != moves, (epoch, name)


def test_full_batch_epoch_is_one_step_along_the_mean_of_the_cut_loss(digits):
    """Adam's first step from a gradient g is lr g / (|g| + eps)."""

    class CutOnly(Alternating):
        def update(self, epoch):
            return Update("assignments", loss="cut", full_batch=True)

    dataset = digits(60)
    trained_weights = trained(dataset, 1, CutOnly)[0].weights
    model, builder = (
        build_model("MINCUTPOOL", dataset, seed=1).double(),
        BatchBuilder(dataset, dtype=torch.float64),
    )
    graphs = dataset.with_split(1).train.tolist()
    for graph in graphs:
        model(builder(torch.tensor([graph])))[1]["cut"].backward()
    for name, parameter in model.named_parameters():
        step = trained_weights[name] - parameter.detach()
        if name.startswith("assign"):
            gradient = parameter.grad / len(graphs)
            expected = -1e-3 * gradient / (gradient.abs() + 1e-8)
            torch.testing.assert_close(step, expected, rtol=1e-6, atol=1e-10)
        else:
            assert not step.any()


@pytest.mark.parametrize(
    ("name", "update"),
    [("MINCUTPOOL", Update()), ("DISTANCE-GMN", Update("rest")), ("RANDOM-GMN", Update("rest"))],
)
def test_same_update_in_every_epoch(name, update, digits):
    model = build_model(name, digits(10))
    assert [model.update(epoch) for epoch in range(1, 7)] == [update] * 6


@pytest.mark.parametrize(("train_keys", "group"), [(True, "keys"), (False, "rest")])
def test_gmn_alternates(train_keys, group, digits):
    """Appendix D: every p-th epoch follows the purity loss of the whole training set; the release moved all but the keys."""
    model = build_model("GMN", digits(10), purity_period=3, train_keys=train_keys)
    supervised, unsupervised = Update("rest", auxiliary=False), Update(group, loss="purity", full_batch=True)
    assert [model.update(epoch) for epoch in range(1, 7)] == [supervised, supervised, unsupervised] * 2
    groups = {model.parameter_group(name) for name, _ in model.named_parameters()}
    assert groups == ({"keys", "rest"} if train_keys else {"rest"})
