"""Batch normalisation over the nodes of a batch, of which padding is none."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from rethinkpool_core.engine.affine import by_replica


@dataclass(frozen=True)
class RowWeights:
    """What rows count for in the moments of each replica; the same for all norms of a level.

    share       (R, N, 1) of each row in the mean, zero for those that do not count; (1, N, 1) if the same for all replicas
    missing     (R, 1, 1) what is left to rows that are not there, which count as zeros; None without
    unbiased    (R, 1, 1) or (1, 1, 1) what the variance is multiplied by before it goes into the running one
    """

    share: Tensor
    missing: Tensor | None
    unbiased: Tensor

    @classmethod
    def among(cls, real: Tensor, positions: Tensor | None = None) -> RowWeights:
        """``real`` (R, N) in the dtype of the rows, one where a row counts and zero where not.

        With ``positions``, (R,) numbers of rows at least that of the real ones, the missing rows count as zeros: the release
        took its statistics over the padded batch, and these are those (departure 9 of the page on the released code).
        """
        rows = real.sum(1).view(-1, 1, 1)
        count = rows if positions is None else positions.to(real.dtype).view(-1, 1, 1)
        count = count.clamp(min=1)  # a single row, which torch refuses, is its own mean, with no variance
        missing = None if positions is None else 1 - rows / count
        return cls(real.unsqueeze(-1) / count, missing, count / (count - 1).clamp(min=1))


class _BatchNorm(torch.autograd.Function):
    """y = w (x - mean) / sqrt(var + eps) + b, and both moments, (R, 1, D); x (R, N, D), weight and bias (R, 1, D).

    Autograd's own backward of the same takes three times as many passes over the rows.
    """

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor, counted: RowWeights, eps: float):
        share = counted.share.mT.expand(len(x), -1, -1)
        mean = torch.bmm(share, x)
        centred = x - mean
        var = torch.bmm(share, centred.square())
        if counted.missing is not None:
            var.addcmul_(counted.missing, mean.square())
        scale = (var + eps).rsqrt_()
        standard = centred.mul_(scale)
        ctx.mark_non_differentiable(mean, var)
        ctx.set_materialize_grads(False)  # no zeros for the moments
        ctx.save_for_backward(standard, weight * scale, counted.share)
        return torch.addcmul(bias, standard, weight), mean, var

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient, *_):
        if gradient is None:
            return None, None, None, None, None
        standard, scale, share = ctx.saved_tensors
        of_bias = gradient.sum(1, keepdim=True)
        of_weight = (gradient * standard).sum(1, keepdim=True)
        common = torch.addcmul(of_bias, standard, of_weight)
        of_x = torch.addcmul(gradient, common, share, value=-1).mul_(scale)
        return of_x, of_weight, of_bias, None, None


class ReplicaBatchNorm(nn.BatchNorm1d):
    """`nn.BatchNorm1d` over all rows of (..., D), or over those of each replica if its weights are stacked.

    With ``counted``, over the rows that count; the others come back as whatever they become.
    """

    def forward(self, x: Tensor, counted: RowWeights | None = None) -> Tensor:
        shape, (x, weight) = x.shape, by_replica(x, self.weight, 1)
        weight, bias = weight.unsqueeze(1), self.bias.view_as(weight).unsqueeze(1)  # (R, 1, D)
        if not self.training:
            scale = weight * (self.running_var.view_as(weight) + self.eps).rsqrt()
            return torch.addcmul(bias - scale * self.running_mean.view_as(weight), x, scale).view(shape)
        if counted is None:
            counted = RowWeights.among(x.new_ones(1, x.shape[1]))
        out, mean, var = _BatchNorm.apply(x, weight, bias, counted, self.eps)
        with torch.no_grad():
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean.view_as(self.running_mean), self.momentum)
            self.running_var.lerp_((var * counted.unbiased).view_as(self.running_var), self.momentum)
        return out.view(shape)
