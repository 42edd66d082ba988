"""Linear maps of rows, each replica by its own weights.

A module of one seed has weights (D', D). Called with the weights of R seeds, stacked to (R, D', D), it maps the first of R
equal parts of its rows by the first of them, and so on. All layers with parameters do so; nothing else in a model
needs to know that its batch belongs to several seeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class _Affine(torch.autograd.Function):
    """x W^T + b, plus y V^T and so on, and the ReLU of it if asked for: x (R, N, D), W (R, D', D), b (R, D').

    Left to torch, the bias, each further product and the ReLU are a pass over the rows of their own.
    """

    @staticmethod
    def forward(ctx, relu: bool, bias: Tensor | None, *pairs: Tensor):
        x, W = pairs[:2]
        out = torch.bmm(x, W.mT) if bias is None else torch.baddbmm(bias.unsqueeze(1), x, W.mT)
        for x, W in zip(pairs[2::2], pairs[3::2], strict=True):
            out.baddbmm_(x, W.mT)
        if relu:
            out.relu_()
        ctx.relu = relu
        ctx.save_for_backward(*([out] if relu else []), *pairs)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        saved, wanted = list(ctx.saved_tensors), ctx.needs_input_grad[2:]
        if ctx.relu:
            gradient = torch.ops.aten.threshold_backward(gradient, saved.pop(0), 0)
        of_bias = gradient.sum(1) if ctx.needs_input_grad[1] else None
        out = []
        for number, (x, W) in enumerate(zip(saved[::2], saved[1::2], strict=True)):
            out.append(torch.bmm(gradient, W) if wanted[2 * number] else None)
            out.append(torch.bmm(gradient.mT, x) if wanted[2 * number + 1] else None)
        return None, of_bias, *out


def by_replica(rows: Tensor, weight: Tensor, dims: int) -> tuple[Tensor, Tensor]:
    """Rows (..., D) as (R, N, D), and a parameter of ``dims`` dimensions with the axis of its R replicas, 1 if it had none."""
    weight = weight if weight.dim() > dims else weight.unsqueeze(0)
    return rows.reshape(len(weight), math.prod(rows.shape[:-1]) // len(weight), rows.shape[-1]), weight


def affine(
    x: Tensor, linear: nn.Linear, *more: tuple[Tensor, nn.Linear], bias: bool = True, relu: bool = False
) -> Tensor:
    """Sum of linear maps of rows (..., D), each of its own; the bias is the first one's, if any. -> (..., D')."""
    terms = [(x, linear.weight), *((rows, each.weight) for rows, each in more)]
    return _affine(terms, linear.bias if bias else None, relu)


def fused_linears(x: Tensor, *linears: nn.Linear) -> Sequence[Tensor]:
    """Linear maps of the same rows (..., D) in one product: (..., D') of each."""
    weights = [linear.weight for linear in linears]
    biases = [
        linear.weight.new_zeros(linear.weight.shape[:-1]) if linear.bias is None else linear.bias
        for linear in linears
    ]
    out = _affine([(x, torch.cat(weights, -2))], torch.cat(biases, -1), relu=False)
    return out.split([weight.shape[-2] for weight in weights], -1)


def affine_of_parts(parts: Sequence[Tensor], linear: nn.Linear) -> Tensor:
    """Return a linear map of rows that come in parts, (..., D_1), (..., D_2) and so on, which stand side by side: (..., D')."""
    weights = linear.weight.split([part.shape[-1] for part in parts], -1)
    return _affine(list(zip(parts, weights, strict=True)), linear.bias, relu=False)


def _affine(terms: list[tuple[Tensor, Tensor]], bias: Tensor | None, relu: bool) -> Tensor:
    pairs = [t for rows, weight in terms for t in by_replica(rows, weight, 2)]
    bias = bias.unsqueeze(0) if bias is not None and bias.dim() == 1 else bias
    return _Affine.apply(relu, bias, *pairs).view(*terms[0][0].shape[:-1], terms[0][1].shape[-2])


class Linear(nn.Linear):
    """`nn.Linear` for one seed or, with stacked weights, for several."""

    def forward(self, x: Tensor) -> Tensor:
        return affine(x, self)


def mix_heads(C: Tensor, weight: Tensor) -> Tensor:
    """Return the weighted sum over heads, (R, n, K), of C (R, n, H, K).

    weight  (1, H), or stacked (R, 1, H)

    As one product with (R, H K, K), which is faster than a sum over the middle axis.
    """
    H, K = C.shape[-2:]
    mix = weight.reshape(-1, H, 1, 1) * torch.eye(K, dtype=C.dtype, device=C.device)
    return C.flatten(2) @ mix.flatten(1, 2)
