"""Linear maps of one seed and of several, against torch's own modules."""

import pytest
import torch
from torch import nn
from torch.func import functional_call, stack_module_state

from rethinkpool_core.engine.affine import Linear, affine


def maps(count, bias=True):
    return [Linear(3, 2, bias=bias and number == 0).double() for number in range(count)]


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_value_and_gradients(count, bias, relu):
    linears = maps(count, bias)
    rows = [torch.randn(4, 5, 3, dtype=torch.float64, requires_grad=True) for _ in linears]
    ours = affine(rows[0], linears[0], *zip(rows[1:], linears[1:], strict=True), relu=relu)
    theirs = sum(
        nn.functional.linear(x, each.weight, each.bias) for x, each in zip(rows, linears, strict=True)
    )
    theirs = theirs.relu() if relu else theirs
    torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=0)
    weight = torch.randn_like(ours)
    leaves = [*rows, *(p for each in linears for p in each.parameters())]
    for a, b in zip(*(torch.autograd.grad((y * weight).sum(), leaves) for y in (ours, theirs)), strict=True):
        torch.testing.assert_close(a, b, atol=1e-12, rtol=0)


def test_rows_that_need_no_gradient_get_none():
    (linear,) = maps(1)
    x = torch.randn(6, 3, dtype=torch.float64)
    affine(x, linear).sum().backward()
    assert x.grad is None
    torch.testing.assert_close(linear.weight.grad, x.sum(0).expand(2, 3))


def test_each_part_of_the_rows_by_its_own_weights():
    linears = [Linear(3, 2).double() for _ in range(4)]
    params, _ = stack_module_state(linears)
    x = torch.randn(4 * 5, 3, dtype=torch.float64)
    together = functional_call(linears[0], params, (x,))
    for part, linear in enumerate(linears):
        rows = slice(5 * part, 5 * part + 5)
        alone = nn.functional.linear(x[rows], linear.weight, linear.bias)
        torch.testing.assert_close(together[rows], alone)


def test_no_rows():
    (linear,) = maps(1)
    assert affine(torch.zeros(0, 3, dtype=torch.float64), linear).shape == (0, 2)
