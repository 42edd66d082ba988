"""The figures of Appendix C hold the changes of the checks."""

from __future__ import annotations

import pytest
import torch

from rethinkpool_core.analysis.invariance import TOLERANCE, InvarianceCheck
from rethinkpool_core.figures.invariance import change_strips, logits_before_and_after


def check_of(model: str, change: float) -> InvarianceCheck:
    logits = torch.tensor([[0.0, 0.0], [2.0, 4.0]], dtype=torch.float64)
    permuted = logits.repeat(3, 1, 1)
    permuted[1, 1, 0] += change
    return InvarianceCheck(model, logits, permuted, {})


@pytest.mark.parametrize(("change", "invariant"), [(0.0, True), (1e-12, True), (1e-6, False), (1.0, False)])
def test_change_is_the_largest_in_units_of_the_spread(change, invariant):
    """The standard deviations of the two logits over both graphs are sqrt(2) and sqrt(8), on average 1.5 sqrt(2)."""
    check = check_of("A", change)
    assert check.changes.tolist() == pytest.approx([0, change / (1.5 * 2**0.5)], abs=1e-15)
    assert check.is_invariant == invariant


def test_predictions_that_change_are_counted():
    assert check_of("A", 1.0).changed_predictions == 0
    assert check_of("A", 3.0).changed_predictions == pytest.approx(
        1 / 6
    )  # one of three permutations of two graphs


def test_strips_draw_every_graph_of_every_model(drawn):
    figure = change_strips([check_of("A", 0.0), check_of("B", 0.5)], TOLERANCE)
    (first, _), (second, _) = (arguments for name, arguments in drawn if name == "scatter")
    assert first.tolist() == pytest.approx([1e-17, 1e-17]) and max(second) == pytest.approx(
        0.5 / (1.5 * 2**0.5)
    )
    assert "1 models (circles)" in figure.caption and "1 (diamonds)" in figure.caption


def test_logits_of_one_graph_before_and_after(drawn):
    logits_before_and_after(check_of("A", 2**0.5), graph=1)
    *after, before = (arguments[1].tolist() for name, arguments in drawn if name == "scatter")
    assert before == pytest.approx([0.5**0.5, 0.5**0.5])
    assert [one[0] for one in after] == pytest.approx([0.5**0.5, 0.5**0.5 + 1, 0.5**0.5])
