"""Batch normalisation over the nodes of a batch, of which padding is none."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class BatchNorm(nn.BatchNorm1d):
    """`nn.BatchNorm1d` over all rows of (..., D).

    With ``real``, a (N, 1) mask, the rows it leaves out count for nothing (and come back as whatever they become).
    With ``positions``, a number of rows at least that of the real ones, the missing rows count as zeros: the release took its
    statistics over the padded batch, and these are those (departure 9 of the table of departures).
    """

    def forward(self, x: Tensor, real: Tensor | None = None, positions: Tensor | int | None = None) -> Tensor:
        shape, x = x.shape, x.reshape(-1, x.shape[-1])
        # torch refuses a single row in training; here it is its own mean, with no variance.
        if not self.training or (real is None and positions is None and len(x) > 1):
            return super().forward(x).view(shape)
        weight = torch.ones_like(x[:, :1]) if real is None else real.to(x.dtype)
        rows = weight.sum()
        count = rows if positions is None else torch.as_tensor(positions, dtype=x.dtype, device=x.device)
        count = count.clamp(min=1)
        mean = (weight * x).sum(0) / count
        centred = x - mean
        var = ((weight * centred.square()).sum(0) + (count - rows) * mean.square()) / count
        with torch.no_grad():
            self.num_batches_tracked.add_(1)
            unbiased = var * count / (count - 1).clamp(min=1)
            self.running_mean.mul_(1 - self.momentum).add_(self.momentum * mean)
            self.running_var.mul_(1 - self.momentum).add_(self.momentum * unbiased)
        return (centred * (var + self.eps).rsqrt() * self.weight + self.bias).view(shape)
