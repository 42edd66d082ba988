"""Figures of run records draw scores in points and every other curve as it was recorded."""

from __future__ import annotations

import pytest

from rethinkpool_core.figures.runs import learning_curves, score_strip
from rethinkpool_core.training.record import RunRecord


def records(metric: str):
    curves = {"val_score": [0.5, 0.75], "train_loss": [2.0, 1.0]}
    return {
        model: [RunRecord(model, "any", seed, metric, test_score=score, curves=curves) for seed in (1, 2)]
        for model, score in (("GMN", 0.25), ("RANDOM-GMN", 0.5))
    }


@pytest.mark.parametrize(("metric", "scale"), [("accuracy", 100), ("rocauc", 100), ("mae", 1)])
def test_scores_are_in_points_and_errors_in_their_own_unit(drawn, metric, scale):
    score_strip(records(metric), "test")
    dots = [values for _, values in calls_of(drawn, "scatter")]
    assert dots == [[scale * 0.25] * 2, [scale * 0.5] * 2]


@pytest.mark.parametrize(("metric", "scale"), [("accuracy", 100), ("mae", 1)])
def test_validation_curves_are_in_points(drawn, metric, scale):
    learning_curves(records(metric), "val_score", "validation")
    assert [mean.tolist() for _, mean in calls_of(drawn, "plot")] == [[scale * 0.5, scale * 0.75]] * 2


def test_losses_are_drawn_as_recorded(drawn):
    learning_curves(records("accuracy"), "train_loss", "loss")
    assert [mean.tolist() for _, mean in calls_of(drawn, "plot")] == [[2.0, 1.0]] * 2


def calls_of(calls, name):
    return [arguments for called, arguments in calls if called == name]
