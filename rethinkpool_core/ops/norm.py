"""Batch normalisation over the nodes of a batch, of which padding is none."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from rethinkpool_core.ops.affine import by_replica


class _BatchNorm(torch.autograd.Function):
    """y = w (x - mean) / sqrt(var + eps) + b over the real ones of the rows of each replica; and both moments, (R, 1, D).

    x             (R, N, D)
    weight, bias  (R, 1, D)
    real          (R, N, 1), one where a row counts and zero where not, or None
    count         (R, 1, 1) rows to divide by: those that are missing from the real ones count as zeros

    Autograd's own backward of the same takes three times as many passes over the rows.
    """

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor, real: Tensor | None, count: Tensor, eps: float):
        mean = _sum(x, real) / count
        centred = x - mean
        missing = count - (x.shape[1] if real is None else real.sum(1, keepdim=True))
        var = (_sum(centred.square(), real) + missing * mean.square()) / count
        scale = (var + eps).rsqrt()
        standard = centred.mul_(scale)
        ctx.mark_non_differentiable(mean, var)
        ctx.save_for_backward(standard, weight * scale, real, count)
        return torch.addcmul(bias, standard, weight), mean, var

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient, *_):
        standard, scale, real, count = ctx.saved_tensors
        of_bias = gradient.sum(1, keepdim=True)
        of_weight = (gradient * standard).sum(1, keepdim=True)
        common = torch.addcmul(of_bias / -count, standard, of_weight / -count)
        common = common if real is None else common.mul_(real)
        return common.add_(gradient).mul_(scale), of_weight, of_bias, None, None, None


def _sum(x: Tensor, real: Tensor | None) -> Tensor:
    return x.sum(1, keepdim=True) if real is None else real.mT @ x


class BatchNorm(nn.BatchNorm1d):
    """`nn.BatchNorm1d` over all rows of (..., D), or over those of each replica if its weights are stacked.

    With ``real``, a mask (N, 1), the rows it leaves out count for nothing (and come back as whatever they become).
    With ``positions``, (R,) numbers of rows at least that of the real ones, the missing rows count as zeros: the release took
    its statistics over the padded batch, and these are those (departure 9 of the table of departures).
    """

    def forward(self, x: Tensor, real: Tensor | None = None, positions: Tensor | None = None) -> Tensor:
        shape, (x, weight) = x.shape, by_replica(x, self.weight, 1)
        weight, bias = weight.unsqueeze(1), self.bias.view_as(weight).unsqueeze(1)  # (R, 1, D)
        if not self.training:
            scale = weight * (self.running_var.view_as(weight) + self.eps).rsqrt()
            return torch.addcmul(bias - scale * self.running_mean.view_as(weight), x, scale).view(shape)
        rows = x.new_full((len(x), 1, 1), x.shape[1])
        if real is not None:
            real = real.to(x.dtype).view(len(x), -1, 1)
            rows = real.sum(1, keepdim=True)
        count = rows if positions is None else positions.to(x.dtype).view(-1, 1, 1)
        count = count.clamp(min=1)  # a single row, which torch refuses, is its own mean, with no variance
        out, mean, var = _BatchNorm.apply(x, weight, bias, real, count, self.eps)
        with torch.no_grad():
            self.num_batches_tracked.add_(1)
            unbiased = var * count / (count - 1).clamp(min=1)
            self.running_mean.lerp_(mean.view_as(self.running_mean), self.momentum)
            self.running_var.lerp_(unbiased.view_as(self.running_var), self.momentum)
        return out.view(shape)
