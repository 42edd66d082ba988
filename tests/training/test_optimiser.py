"""Adam on the rows of a matrix against torch's Adam, one per row."""

from __future__ import annotations

import pytest
import torch

from rethinkpool_core.training.optimiser import ReplicaAdam

RATES = (1e-3, 0.05, 1.0)


def gradients(steps: int, width: int = 7) -> list[torch.Tensor]:
    """Gradients (3, width) of very different sizes, with zeros among them, so that some are clipped and some are not."""
    generator = torch.Generator().manual_seed(1)
    size = 10.0 ** torch.arange(-3, 3).repeat(steps)[: steps * 3].view(steps, 3, 1).double()
    drawn = torch.randn(steps, 3, width, generator=generator, dtype=torch.float64) * size
    drawn[:, :, 0] = 0
    drawn[2] = 0
    return list(drawn)


def parameters(replicas: int) -> torch.Tensor:
    return torch.randn(replicas, 7, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def torch_adam(start, steps, clip_norm, rates=RATES):
    """Parameters after these steps, each row by torch.optim.Adam and clip_grad_norm_."""
    rows = []
    for row, rate in enumerate(rates):
        theta = torch.nn.Parameter(start[row].clone())
        adam = torch.optim.Adam([theta], lr=rate)
        for gradient in steps:
            theta.grad = gradient[row].clone()
            if clip_norm:
                torch.nn.utils.clip_grad_norm_([theta], clip_norm)
            adam.step()
        rows.append(theta.detach())
    return torch.stack(rows)


@pytest.mark.parametrize("clip_norm", [0.0, 2.0, 1e-4])
def test_rows_are_torchs_adam_each_with_its_rate(clip_norm):
    start, steps = parameters(3), gradients(40)
    ours = ReplicaAdam(start.clone())
    for gradient in steps:
        ours.step(gradient, torch.tensor(RATES, dtype=torch.float64), clip_norm)
    torch.testing.assert_close(ours.theta, torch_adam(start, steps, clip_norm), rtol=1e-13, atol=1e-13)


def test_learning_rate_that_changes():
    start, steps = parameters(1), gradients(20)
    theta = torch.nn.Parameter(start[0].clone())
    adam, ours = torch.optim.Adam([theta], lr=0.1), ReplicaAdam(start.clone())
    for number, gradient in enumerate(steps):
        adam.param_groups[0]["lr"] = rate = 0.1 / (1 + number)
        theta.grad = gradient[0].clone()
        adam.step()
        ours.step(gradient[:1], torch.tensor([rate], dtype=torch.float64))
    torch.testing.assert_close(ours.theta[0], theta.detach(), rtol=1e-13, atol=1e-13)


def test_replicas_that_are_kept_do_not_change():
    start, steps = parameters(3), gradients(20)
    ours, rates = ReplicaAdam(start.clone()), torch.tensor(RATES, dtype=torch.float64)
    for gradient in steps[:10]:
        ours.step(gradient, rates)
    kept = torch.tensor([2, 0])
    ours.keep(kept)
    for gradient in steps[10:]:
        ours.step(gradient[kept], rates[kept])
    torch.testing.assert_close(ours.theta, torch_adam(start, steps, 0.0)[kept], rtol=1e-13, atol=1e-13)


def test_gradient_that_is_not_finite_stays_in_its_row():
    start, steps = parameters(3), gradients(10)
    ours = ReplicaAdam(start.clone())
    for gradient in steps:
        spoilt = gradient.clone()
        spoilt[1] = float("nan")
        ours.step(spoilt, torch.tensor(RATES, dtype=torch.float64), 2.0)
    expected = torch_adam(start, steps, 2.0)
    torch.testing.assert_close(ours.theta[[0, 2]], expected[[0, 2]], rtol=1e-13, atol=1e-13)
