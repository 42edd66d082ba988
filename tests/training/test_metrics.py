"""Scores and losses against scikit-learn, OGB's evaluator and formulas."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, mean_absolute_error, roc_auc_score

from rethinkpool_core.datasets.sources.ogb import import_ogb_quietly
from rethinkpool_core.paper import METRICS
from rethinkpool_core.training.metrics import _SCORES, score, supervised_loss

sizes = st.integers(2, 60)


def drawn(seed: int, *shape: int) -> torch.Tensor:
    # Rounded, since scores are most easily wrong where logits tie.
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).round(
        decimals=1
    )


@given(st.integers(0, 10**6), sizes)
def test_accuracy_is_scikit_learns(seed, n):
    logits = drawn(seed, n, 5)
    y = torch.randint(5, (n,), generator=torch.Generator().manual_seed(seed))
    expected = accuracy_score(y.numpy(), logits.numpy().argmax(1))
    assert score("accuracy", logits, y) == pytest.approx(expected, abs=1e-15)


@given(st.integers(0, 10**6), sizes)
def test_mean_absolute_error_is_scikit_learns(seed, n):
    logits, y = drawn(seed, n, 1), drawn(seed + 1, n)
    assert score("mae", logits, y) == pytest.approx(
        mean_absolute_error(y.numpy(), logits[:, 0].numpy()), abs=1e-14
    )


@given(st.integers(0, 10**6), sizes)
def test_rocauc_is_scikit_learns_of_the_logit_of_class_1(seed, n):
    logits = drawn(seed, n, 2)
    y = torch.arange(n) % 2
    assert score("rocauc", logits, y) == pytest.approx(
        roc_auc_score(y.numpy(), logits[:, 1].numpy()), abs=1e-14
    )


def test_rocauc_is_ogbs():
    import_ogb_quietly()
    from ogb.graphproppred import Evaluator

    logits, y = drawn(3, 50, 2), (torch.arange(50) % 5 == 0).long()
    given = {"y_true": y[:, None].numpy(), "y_pred": logits[:, 1:].numpy()}
    assert score("rocauc", logits, y) == Evaluator("ogbg-molhiv").eval(given)["rocauc"]


@pytest.mark.parametrize("metric", ["rocauc", "mae"])
def test_score_of_logits_that_are_not_finite_is_not_a_number(metric):
    logits = torch.tensor([[0.0, math.nan], [0.0, 1.0]])[:, : 2 if metric == "rocauc" else 1] + math.nan
    assert math.isnan(score(metric, logits, torch.tensor([0, 1])))


@pytest.mark.parametrize("replicas", [1, 3])
def test_cross_entropy_by_its_formula(replicas):
    logits, y = drawn(0, 6, 4), torch.tensor([0, 1, 2, 3, 0, 1])
    each = [
        math.log(sum(math.exp(v) for v in row)) - row[k]
        for row, k in zip(logits.tolist(), y.tolist(), strict=True)
    ]
    share = len(each) // replicas
    expected = [sum(each[i * share : (i + 1) * share]) / share for i in range(replicas)]
    several = logits.view(replicas, share, 4), y.view(replicas, share)
    torch.testing.assert_close(
        supervised_loss("cross_entropy", *several), torch.tensor(expected, dtype=torch.float64)
    )


def test_absolute_error_does_not_broadcast():
    """(B, 1) minus (B,) would be (B, B)."""
    logits, y = torch.tensor([[1.0], [2.0], [4.0]]), torch.tensor([0.0, 0.0, 1.0])
    assert supervised_loss("l1", logits, y) == pytest.approx(2.0)
    assert supervised_loss("l1", logits[None], y[None]).shape == (1,)


def test_absolute_error_of_one_graph():
    assert supervised_loss("l1", torch.tensor([[3.0]]), torch.tensor([1.0])) == pytest.approx(2.0)


def test_every_metric_has_its_function():
    assert set(_SCORES) == set(METRICS)
