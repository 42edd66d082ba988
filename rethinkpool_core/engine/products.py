"""Products of an assignment matrix with the nodes of each graph: S^T Y and S Y, over ragged graphs or over blocks.

They are Functions for two reasons. Each operand is copied to its blocks once for all products of a level. And no gradient is
a transposed view, as autograd's own would be: an elementwise operation on one took twenty times as long (8 x 16 x 56 x 28, CPU).

``layout`` is a `Buckets` for ragged rows (N, D) or a `SingleBucket` for blocks (B, n, D). Gradients of gradients are not offered.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rethinkpool_core.batching.buckets import Buckets, SingleBucket

Layout = Buckets | SingleBucket


def _to_clusters(layout: Layout, S: Tensor, Y: Tensor, add_to: Tensor | None = None) -> Tensor:
    """S^T Y of each graph, (B, K, D) in the order of the blocks, S and Y spread; added to what is given."""
    s, y = layout.split(S), layout.split(Y)
    out = Y.new_empty(sum(map(len, s)), S.shape[-1], Y.shape[-1]) if add_to is None else add_to
    for left, right, result in zip(s, y, layout.split_graphs(out), strict=True):
        if add_to is None:
            torch.bmm(left.mT, right, out=result)
        else:
            result.baddbmm_(left.mT, right)
    return out


def _to_nodes(layout: Layout, S: Tensor, Y: Tensor) -> Tensor:
    """S Y of each graph, spread, of a spread S and Y (B, K, D) in the order of the blocks."""
    out = S.new_empty(*S.shape[:-1], Y.shape[-1])
    for a, y, result in zip(layout.split(S), layout.split_graphs(Y), layout.split(out), strict=True):
        torch.bmm(a, y, out=result)
    return out


class _Pool(torch.autograd.Function):
    """|S^T S|^2 of each graph in the Frobenius norm (zero if not asked for), and S^T Y for each Y."""

    @staticmethod
    def forward(ctx, layout: Layout, with_norm: bool, S: Tensor, *Y: Tensor):
        flat = [layout.pad(x) for x in (S, *Y)]
        pooled = [layout.unsort_graphs(_to_clusters(layout, flat[0], y)) for y in flat[1:]]
        s, K = layout.split(flat[0]), S.shape[-1]
        grams = [a @ a.mT if a.shape[1] < K else a.mT @ a for a in s] if with_norm else []
        norm = [g.flatten(1).square().sum(1) for g in grams] or [S.new_zeros(sum(map(len, s)))]
        ctx.layout, ctx.operands = layout, len(flat)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*flat, *grams)
        return (layout.unsort_graphs(torch.cat(norm)), *pooled)

    @staticmethod
    @once_differentiable
    def backward(ctx, of_norm, *of_products):
        layout, n, wanted = ctx.layout, ctx.operands, ctx.needs_input_grad[2:]
        saved = ctx.saved_tensors  # read once, since each reading may compute them anew
        flat, grams = saved[:n], saved[n:]
        s, *ys = (layout.split(x) for x in flat)
        gradients: list[Tensor | None] = [None] * n
        terms = []  # of the gradient of S: (left, right) of each group
        for number, of_product in enumerate(of_products, start=1):
            if of_product is None:
                continue
            d = layout.sort_graphs(of_product)
            terms.append([(y, e.mT) for y, e in zip(ys[number - 1], layout.split_graphs(d), strict=True)])
            if wanted[number]:
                gradients[number] = _to_nodes(layout, flat[0], d)
        if of_norm is not None and grams:
            d = layout.split_graphs(4 * layout.sort_graphs(of_norm)[:, None, None])
            scaled = [gram * e for gram, e in zip(grams, d, strict=True)]
            terms.append(
                [(g, a) if a.shape[1] < a.shape[2] else (a, g) for g, a in zip(scaled, s, strict=True)]
            )
        if wanted[0] and terms:
            gradients[0] = torch.empty_like(flat[0])
            for group, result in enumerate(layout.split(gradients[0])):
                torch.bmm(*terms[0][group], out=result)
                for term in terms[1:]:
                    result.baddbmm_(*term[group])
        return (None, None, *(None if x is None else layout.unpad(x) for x in gradients))


class _Unpool(torch.autograd.Function):
    """S Y of each graph."""

    @staticmethod
    def forward(ctx, layout: Layout, S: Tensor, Y: Tensor):
        flat, Y = layout.pad(S), layout.sort_graphs(Y)
        ctx.layout = layout
        ctx.save_for_backward(flat, Y)
        return layout.unpad(_to_nodes(layout, flat, Y))

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        layout, (flat, Y) = ctx.layout, ctx.saved_tensors
        d = layout.pad(gradient)
        of_S = of_Y = None
        if ctx.needs_input_grad[1]:
            of_S = layout.unpad(_to_nodes(layout, d, Y.mT))
        if ctx.needs_input_grad[2]:
            of_Y = layout.unsort_graphs(_to_clusters(layout, flat, d))
        return None, of_S, of_Y


class _FixedPoolConv(torch.autograd.Function):
    """As `fixed_pool_conv`, with the bias of each seed, (R, D)."""

    @staticmethod
    def forward(ctx, layout: Layout, fixed: Sequence[Tensor], bias: Tensor, *Y: Tensor):
        out = None
        for S, y in zip(fixed, Y, strict=True):
            out = _to_clusters(layout, S, layout.pad(y), add_to=out)
        out = layout.unsort_graphs(out)
        out.view(len(bias), -1, out.shape[-1]).add_(bias.unsqueeze(1)).relu_()
        ctx.layout, ctx.replicas = layout, len(bias)
        ctx.save_for_backward(out, *fixed)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        layout, (out, *fixed) = ctx.layout, ctx.saved_tensors
        gradient = torch.ops.aten.threshold_backward(gradient, out, 0)
        d = layout.sort_graphs(gradient)
        of_Y = [layout.unpad(_to_nodes(layout, S, d)) for S in fixed]
        return None, None, gradient.view(ctx.replicas, -1, gradient.shape[-1]).sum(1), *of_Y


class _InBlocks(torch.autograd.Function):
    @staticmethod
    def forward(ctx, layout: Layout, rows: Tensor) -> Tensor:
        ctx.layout = layout
        return layout.pad(rows)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        return None, ctx.layout.unpad(gradient.clone())


class _InRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx, layout: Layout, at_once: int, *parts: Tensor) -> Tensor:
        ctx.layout, ctx.at_once = layout, at_once
        return layout.unpad(layout.concat(parts))

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        return None, None, *_parts(ctx.layout, ctx.layout.pad(gradient), ctx.at_once)


def _parts(layout: Layout, flat: Tensor, at_once: int) -> list[Tensor]:
    return [part for group in layout.split(flat) for part in group.split(at_once)]


def to_parts(layout: Layout, rows: Tensor, at_once: int) -> list[Tensor]:
    """Rows (N, D) or (B, n, D) in the order of the blocks, at most so many of a group in each part (blocks, width, D)."""
    flat = rows if isinstance(layout, SingleBucket) else _InBlocks.apply(layout, rows)
    return _parts(layout, flat, at_once)


def from_parts(layout: Layout, parts: Sequence[Tensor], at_once: int) -> Tensor:
    """Inverse of `to_parts`."""
    return _InRows.apply(layout, at_once, *parts)


def pool(layout: Layout, S: Tensor, *Y: Tensor, norm: bool = False) -> tuple[Tensor, ...]:
    """|S^T S|^2 (B,), zero unless ``norm``, and S^T Y, (B, K, D), for each Y."""
    return _Pool.apply(layout, norm, S, *Y)


def fixed_pool_conv(layout: Layout, fixed: Sequence[Tensor], Y: Sequence[Tensor], bias: Tensor) -> Tensor:
    """ReLU of the sum of S^T Y over pairs of a fixed S and a Y, plus a bias (D,), or (R, D) of R seeds: (B, K, D).

    S as ``layout.pad`` gives it, but for finite values of any kind in empty slots; Y as rows.
    """
    return _FixedPoolConv.apply(layout, fixed, bias if bias.dim() == 2 else bias.unsqueeze(0), *Y)


def unpool(layout: Layout, S: Tensor, Y: Tensor) -> Tensor:
    """S Y for Y (B, K, D): (N, D) or (B, n, D)."""
    return _Unpool.apply(layout, S, Y)
