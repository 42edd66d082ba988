"""Relative spread against loops over nodes."""

from __future__ import annotations

import pytest
import torch

from rethinkpool_core.analysis.smoothness import relative_spread
from rethinkpool_core.models.trace import Activation


def by_hand(rows: list[list[float]]) -> float:
    mean = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    around = sum((x - m) ** 2 for row in rows for x, m in zip(row, mean, strict=True))
    return around / sum(x**2 for row in rows for x in row)


def test_ragged_rows_against_a_loop():
    sizes = [3, 1, 5, 0, 2]
    values = torch.randn(sum(sizes) + 4, 6)  # four rows of padding
    pointer = torch.tensor([0, *sizes, 4]).cumsum(0)
    found = relative_spread(Activation(values, pointer), 5)
    for number, (first, size) in enumerate(zip(pointer.tolist(), sizes, strict=False)):
        if size < 2:
            assert found[number].isnan()
        else:
            expected = by_hand(values[first : first + size].double().tolist())
            assert found[number].item() == pytest.approx(expected, rel=1e-12)


def test_blocks_are_like_ragged_rows():
    blocks = torch.randn(4, 5, 3)
    ragged = Activation(blocks.view(20, 3), torch.arange(0, 25, 5))
    assert torch.allclose(relative_spread(Activation(blocks), 4), relative_spread(ragged, 4), atol=1e-12)


def test_scale_does_not_matter_and_equal_nodes_have_none():
    blocks = torch.rand(2, 4, 3) + 1
    spread = relative_spread(Activation(blocks), 2)
    assert torch.allclose(relative_spread(Activation(1e-3 * blocks), 2), spread)
    assert relative_spread(Activation(blocks[:, :1].expand(2, 4, 3)), 2).abs().max() < 1e-12
    opposite = torch.tensor([[[1.0, 2.0], [-1.0, -2.0]]])  # their mean is 0
    assert relative_spread(Activation(opposite), 1).item() == pytest.approx(1.0)
    assert relative_spread(Activation(torch.zeros(1, 3, 2)), 1).isnan()
