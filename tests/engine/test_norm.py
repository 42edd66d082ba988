"""Batch norm counts real nodes only, or, as in the release, the padding as zeros."""

import pytest
import torch
from torch import nn
from torch.func import functional_call, stack_module_state

from rethinkpool_core.engine.norm import ReplicaBatchNorm, RowWeights


@pytest.fixture
def norms():
    ours, theirs = ReplicaBatchNorm(3).double(), nn.BatchNorm1d(3).double()
    with torch.no_grad():
        for norm in (ours, theirs):
            norm.weight.copy_(torch.tensor([0.5, 1.0, 2.0]))
            norm.bias.copy_(torch.tensor([1.0, 0.0, -1.0]))
    return ours, theirs


def same_state(ours, theirs):
    for name, buffer in theirs.named_buffers():
        torch.testing.assert_close(ours.get_buffer(name), buffer)


def test_padding_rows_do_not_count(norms):
    ours, theirs = norms
    x = torch.randn(7, 3, dtype=torch.float64)
    real = RowWeights.among(torch.tensor([[1.0] * 5 + [0.0] * 2], dtype=torch.float64))
    for _ in range(3):
        torch.testing.assert_close(ours(x, real)[:5], theirs(x[:5]))
    same_state(ours, theirs)
    ours.eval(), theirs.eval()
    torch.testing.assert_close(ours(x, real)[:5], theirs(x[:5]))


@pytest.mark.parametrize("masked", [False, True])
def test_counted_padding_is_that_of_a_padded_batch(norms, masked):
    ours, theirs = norms
    x = torch.randn(5, 3, dtype=torch.float64)
    padded = torch.cat([x, torch.zeros(4, 3, dtype=torch.float64)])
    real = torch.tensor([[1.0] * 5 + [0.0] * 2 * masked], dtype=torch.float64)
    extra = torch.randn(2 * masked, 3, dtype=torch.float64)
    rows = ours(torch.cat([x, extra]), RowWeights.among(real, torch.tensor([9])))
    torch.testing.assert_close(rows[:5], theirs(padded)[:5])
    same_state(ours, theirs)


def test_blocks_are_normalised_over_all_their_rows(norms):
    ours, theirs = norms
    x = torch.randn(4, 6, 3, dtype=torch.float64)
    torch.testing.assert_close(ours(x), theirs(x.view(-1, 3)).view(4, 6, 3))


@pytest.mark.parametrize("positions", [None, torch.tensor([9])])
def test_gradients_are_those_of_the_padded_batch(norms, positions):
    """Also where rows that count for nothing come back and someone uses them."""
    ours, _ = norms
    x = torch.randn(7, 3, dtype=torch.float64, requires_grad=True)
    real = torch.tensor([[1.0] * 5 + [0.0] * 2], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: ours(x, RowWeights.among(real, positions)), x)


def test_replicas_have_moments_of_their_own():
    alone = [ReplicaBatchNorm(3).double() for _ in range(2)]
    params, buffers = stack_module_state(alone)
    x = torch.randn(2, 5, 3, dtype=torch.float64)
    real = torch.tensor([[1.0] * 5, [1.0] * 3 + [0.0] * 2], dtype=torch.float64)
    state = {**params, **buffers}
    together = functional_call(alone[0], state, (x.flatten(0, 1), RowWeights.among(real)))
    for row, norm in enumerate(alone):
        torch.testing.assert_close(
            together.view(2, 5, 3)[row], norm(x[row], RowWeights.among(real[row : row + 1]))
        )
        for name, buffer in norm.named_buffers():
            torch.testing.assert_close(buffers[name][row], buffer)
