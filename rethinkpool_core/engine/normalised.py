"""MinCut's normalised adjacency matrices of pooled graphs."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rethinkpool_core.engine.adjacency import FactoredAdjacency
from rethinkpool_core.engine.assignment import Assignment
from rethinkpool_core.engine.pooled_products import PooledProducts


class NormalisedAdjacency(FactoredAdjacency):
    """D^(-1/2) A' D^(-1/2), where A' has lost its diagonal and D are its row sums then.

    A cluster without weight to others keeps no neighbour. Where A' stays a product of factors, the scaling is applied to S and
    the diagonal is subtracted from products, which costs digits when a cluster has far more weight within than to others; one
    whose weight to others is less than 16 rounding errors of that within is cut off.
    """

    def __init__(self, products: PooledProducts):
        self.products, self.below = products, products.adjacency_below

    @cached_property
    def matrix(self) -> Tensor | None:
        if not self.products.dense:
            return None
        matrix, self._degree, self.products.trace, _ = _Normalise.apply(self.products.matrix)
        return matrix

    def degree(self) -> Tensor:
        return self._degree

    @cached_property
    def _degree(self) -> Tensor:
        if self.matrix is not None:  # unless that has just set it, this is a transpose
            return vars(self)["_degree"] if "_degree" in vars(self) else self.matrix.sum(-1)
        return (self @ torch.ones_like(self.scale)).squeeze(-1)

    @cached_property
    def scale(self) -> Tensor:
        """D^(-1/2), (B, K, 1), where A' is a product of factors."""
        products = self.products
        roots = products.terms.get(
            "scale", lambda: inverse_roots(products.weight_to_others(), products.diagonal)
        )
        return roots.unsqueeze(-1)

    # Scaling S costs a pass over its rows; scaling what it multiplies would cost one over as many rows for each graph as the
    # largest has.

    @cached_property
    def factor(self) -> Assignment:
        """S D^(-1/2)."""
        S = self.products.S
        return Assignment(S.S * S.nodes.broadcast_to_nodes(self.scale.squeeze(-1)), S.nodes)

    @cached_property
    def removed(self) -> Tensor:
        diagonal = self.products.terms.get("diagonal", lambda: self.products.diagonal)
        return diagonal.unsqueeze(-1) * self.scale.square()


def inverse_roots(degree: Tensor, diagonal: Tensor) -> Tensor:
    """Return D^(-1/2) where A' is a product of factors, zero for a cluster that is cut off, see `NormalisedAdjacency`."""
    least = 16 * torch.finfo(degree.dtype).eps * diagonal.detach().abs()
    positive = degree > least.clamp(min=_least_degree(degree))
    # Two `where`s, since even an unused root would reach the gradient.
    return torch.where(positive, torch.where(positive, degree, 1.0).rsqrt(), 0.0)


def _least_degree(degree: Tensor) -> float:
    """Return the degree below which a cluster has none: the root of less has a gradient that overflows."""
    return torch.finfo(degree.dtype).tiny ** 0.5


class _Normalise(torch.autograd.Function):
    """D^(-1/2) M D^(-1/2) of matrices (B, K, K), M without its diagonal and D its row sums, see `NormalisedAdjacency`.

    And the sums of its rows, (B, K), and the trace of M before, (B,). One Function, since the matrices are the largest tensors of
    a step: autograd's backward writes each several times more.
    """

    @staticmethod
    def forward(values: Tensor):
        matrix = values.clone()
        diagonal = matrix.diagonal(dim1=-2, dim2=-1)
        trace = diagonal.sum(-1)
        diagonal.zero_()
        degree = matrix.sum(-1)
        scale = torch.where(degree > _least_degree(degree), degree.rsqrt(), 0.0)
        matrix.mul_(scale.unsqueeze(-1)).mul_(scale.unsqueeze(-2))
        return matrix, matrix.sum(-1), trace, scale

    @staticmethod
    def setup_context(ctx, inputs, output):
        matrix, sums, _, scale = output
        ctx.mark_non_differentiable(scale)
        ctx.save_for_backward(matrix, sums, scale)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient, of_sums, of_trace, _):
        matrix, sums, scale = ctx.saved_tensors
        # Through the entry itself, and through the degree of its row, which scales a row and a column. What comes through the
        # sums is the same for all of a row: it is never written as a matrix.
        share = gradient * matrix
        rows = share.sum(-1) + of_sums * sums
        columns = share.sum(-2) + (of_sums.unsqueeze(-2) @ matrix).squeeze(-2)
        of_degree = -0.5 * scale.square() * (rows + columns)
        out = torch.mul(gradient, scale.unsqueeze(-1), out=share).mul_(scale.unsqueeze(-2))
        left, right = (of_degree, scale * of_sums), (torch.ones_like(scale), scale)
        out.baddbmm_(torch.stack(left, -1), torch.stack(right, -2))
        out.diagonal(dim1=-2, dim2=-1).copy_(of_trace.unsqueeze(-1))
        return out
