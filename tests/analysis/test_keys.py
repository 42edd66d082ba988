"""GMN's unsupervised loss as a function of its keys (Remark 2)."""

from __future__ import annotations

import math

import pytest
import torch

from rethinkpool_core.analysis.keys import KeyLoss, KeyPlane, collapsed, purity_as_printed
from rethinkpool_core.models import build_model


@pytest.fixture
def model(small):
    return build_model("GMN", small.dataset, num_keys=[4, 1], num_heads=2, seed=3)


@pytest.fixture
def index(small):
    return torch.nonzero(small.dataset.store.num_nodes).flatten()  # an empty graph has no row to assign


def test_loss_is_that_of_the_model(small, model, index):
    """The model's own loss of the same graphs, with its weight of 100; the second memory layer has one key and no loss."""
    whole = model.double().eval()
    with torch.no_grad():
        _, losses = whole(small.batch(index))
    found = KeyLoss(model, small.dataset, index)
    assert found(found.keys) == pytest.approx(float(losses["purity"]) / model.config.purity_weight, rel=1e-9)


def test_remark_2_equal_keys_have_no_loss(small, model, index):
    loss = KeyLoss(model, small.dataset, index)
    assert loss(loss.keys) > 0
    for keys in (collapsed(loss.keys), torch.randn(2, 1, 64).double().expand(2, 4, 64)):
        assert loss(keys) == 0 and loss.distance_from_uniform(keys) < 1e-15


def test_formula_as_printed_against_a_loop():
    S = torch.rand(3, 4, dtype=torch.float64).softmax(1)
    total = 0.0
    for i in range(3):
        squared = [float(S[i, j] ** 2 / S[:, j].sum()) for j in range(4)]
        for j in range(4):
            P = squared[j] / sum(squared)
            total += P * math.log(P / float(S[i, j]))
    assert float(purity_as_printed(S)) == pytest.approx(total, abs=1e-14)


def test_formula_as_printed_is_the_loss_of_the_package(small, model, index):
    loss = KeyLoss(model, small.dataset, index)
    S = loss.assignment(3 * loss.keys).S
    direct = [float(purity_as_printed(S[first:last])) for first, last in loss.rows_of_graphs]
    assert len(direct) == len(index)
    assert loss(3 * loss.keys) == pytest.approx(sum(direct) / len(index), rel=1e-6)


def test_score_of_own_keys_is_that_of_the_model(small, model, index):
    loss = KeyLoss(model, small.dataset, index)
    batch = small.batch(index)
    logits, _ = model.double().eval()(batch)
    assert loss.score(loss.keys) == float((logits.argmax(1) == batch.y).double().mean())


def test_the_model_stays_as_it_is(small, model, index):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    loss = KeyLoss(model, small.dataset, index)
    loss(collapsed(loss.keys))
    assert model.training and all(
        torch.equal(value, before[name]) for name, value in model.state_dict().items()
    )


def test_plane_keeps_distances_and_holds_the_three_points():
    origin, first, second = torch.randn(3, 2, 4, 5, dtype=torch.float64)
    plane = KeyPlane(origin, first, second)
    at = {name: plane.coordinates(keys) for name, keys in zip("ofs", (origin, first, second), strict=True)}
    assert at["o"] == (0, 0) and at["f"][1] == pytest.approx(0, abs=1e-12) and at["s"][1] > 0
    for name, keys in (("f", first), ("s", second)):
        torch.testing.assert_close(plane.at(*at[name]), keys)
    assert math.dist(at["f"], at["s"]) == pytest.approx(float((first - second).norm()))


def test_lines_and_surfaces_are_the_loss_at_their_points(small, model, index):
    loss = KeyLoss(model, small.dataset, index)
    start, end = loss.keys, collapsed(loss.keys)
    line = loss.along(start, end, torch.tensor([0.0, 0.5, 1.0]))
    assert line.tolist() == pytest.approx([loss(start), loss((start + end) / 2), 0], rel=1e-6, abs=1e-12)
    plane = KeyPlane(end, start, start + torch.randn_like(start))
    surface = plane.surface(
        loss, torch.tensor([0.0, plane.coordinates(start)[0]]), torch.tensor([0.0, 1.0, 2.0])
    )
    assert surface.shape == (3, 2)
    assert surface[0].tolist() == pytest.approx([0, loss(start)], rel=1e-5, abs=1e-9)
