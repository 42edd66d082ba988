"""Softmax and maximum against torch's own, narrow and wide, with ties and extremes."""

import pytest
import torch

from rethinkpool_core.engine.softmax import log_softmax, maximum, power_normalise, softmax


@pytest.mark.parametrize("width", [1, 2, 12, 15, 16, 40])
@pytest.mark.parametrize("scale", [1.0, 1e4])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax(name, width, scale):
    x = (scale * torch.randn(3, 7, width, dtype=torch.float64)).requires_grad_()
    weight = torch.randn_like(x)
    ours, theirs = {"softmax": softmax, "log_softmax": log_softmax}[name](x), getattr(x, name)(-1)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    gradients = [torch.autograd.grad((y * weight).sum(), x)[0] for y in (ours, theirs)]
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-10)


def test_equal_entries_give_exactly_equal_shares():
    for width in (3, 10, 20):
        assert (softmax(torch.full((2, width), 5.0)).std(-1) == 0).all()


def test_maximum_shares_among_ties():
    x = torch.randint(0, 3, (4, 6, 5)).double().requires_grad_()
    weight = torch.randn(4, 5, dtype=torch.float64)
    assert torch.equal(maximum(x), x.amax(1))
    gradients = [torch.autograd.grad((y * weight).sum(), x)[0] for y in (maximum(x), x.amax(1))]
    torch.testing.assert_close(*gradients)
    assert ((x == x.amax(1, keepdim=True)).sum(1) > 1).any()


def test_first_of_ties_takes_the_gradient():
    x = torch.tensor([[[2.0, 1.0], [2.0, 3.0], [0.0, 3.0]]], requires_grad=True)
    y = maximum(x, ties="first")
    assert y.tolist() == [[2.0, 3.0]]
    y.sum().backward()
    assert x.grad.tolist() == [[[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]]


@pytest.mark.parametrize("power", [-0.5, -1.0, -2.5])
def test_power_normalise(power):
    x = (1 + torch.rand(3, 4, 7, dtype=torch.float64)).requires_grad_()
    theirs = x**power / (x**power).sum(-1, keepdim=True)
    torch.testing.assert_close(power_normalise(x, power), theirs, rtol=1e-12, atol=0)
    assert torch.autograd.gradcheck(lambda x: power_normalise(x, power), x)
