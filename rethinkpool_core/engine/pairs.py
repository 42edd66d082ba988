"""The maximum over the members of a pair; its gradient is one gather, as `SparseAdjacency`'s is, where autograd would scatter."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def pair_maximum(x: Tensor, members: Tensor, inverse: Tensor) -> Tensor:
    """(N, D) -> (C, D), elementwise; members that tie share the gradient.

    members  (C, 2)  the two rows of x, or one row twice
    inverse  (N,)    of members: c for the first member of the pair c, C + c for the second, 2 C for a row in no pair
    """
    return _PairMaximum.apply(x, members, inverse)


class _PairMaximum(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, members: Tensor, inverse: Tensor) -> Tensor:
        a, b = (x.index_select(0, members[:, side]) for side in (0, 1))
        ctx.save_for_backward(members, inverse, a, b)
        return torch.maximum(a, b)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        members, inverse, a, b = ctx.saved_tensors
        C, D = gradient.shape
        # The first member's share is 0, 1/2 or 1 (comparisons, with their conversions, took five times as long), and of a
        # single node 1: only its first place is looked up.
        alone = (members[:, 0] == members[:, 1]).to(gradient.dtype).unsqueeze(-1)
        share = torch.maximum((a - b).sign_().mul_(0.5).add_(0.5), alone)
        of_member = gradient.new_empty(2 * C + 1, D)
        torch.mul(gradient, share, out=of_member[:C])
        torch.sub(gradient, of_member[:C], out=of_member[C:-1])
        of_member[-1] = 0
        return of_member.index_select(0, inverse), None, None
