r"""Pooling by an assignment matrix: :math:`X' = S^\top X` and :math:`A' = S^\top A S`, the latter as an operator.

The nodes of a batch are ragged rows before the first pooling layer, (N, D), and one block a graph after it, (B, n, D); `Rows`
says which. The result of pooling always has K rows a graph, (B, K, D).

A' has at most the rank n of the graph it comes from, while K follows the largest graph of the dataset: on DD, n is 284
on average and K up to 2874. So :math:`A' y = S^\top (A (S y))` is usually cheaper than any use of the K x K matrix, and its
memory grows with the nodes of the batch. `Coarse` multiplies by the matrix itself only where that is the smaller of the
two (DiffPool's link term of a second layer needs the matrix once all the same, for its norm).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from functools import cached_property

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rethinkpool_core.engine.products import pool
from rethinkpool_core.engine.rows import Assignment, Rows

# Up to so many clusters A' is written down whatever the graphs are: it is small, and exact where factors cancel (`Normalised`).
SMALL = 128


def written_down(clusters: int, nodes: float) -> bool:
    """Whether A' is a matrix, where graphs have ``nodes`` nodes on average."""
    return clusters <= max(2 * nodes, SMALL)


class Coarse:
    """One pooling layer: X' = S^T X, (B, K, D), and A' = S^T A S as something that multiplies, (B, K, D) -> (B, K, D).

    nodes    average number of nodes of the graphs at the bottom, hence about the rank of A'
    X        the features of the nodes, which may come in parts that stand side by side in X'
    losses   whether |S^T S|^2 is wanted, too, for the auxiliary losses: ``gram_norm_squared``, (B,)
    known    what `Coarse.known` gave before for these graphs and the same S, if it did; empty where another operator
             has what it needs of A' already
    """

    def __init__(
        self,
        A,
        S: Assignment,
        nodes: float,
        X: Sequence[Tensor] = (),
        losses: bool = True,
        known: dict[str, Tensor] | None = None,
    ):
        self.A, self.S = A, S
        explicit = known is None and written_down(S.S.shape[-1], nodes)
        factors = [*X, A @ S.S] if explicit else X
        self.gram_norm_squared, *products = pool(S.rows.layout, S.S, *factors, norm=losses)
        self.values = products.pop() if explicit else None  # (B, K, K)
        self.X = torch.cat(products, -1) if len(products) > 1 else products[0] if products else None
        self.averaging: Tensor | None = None
        vars(self).update(known or {})

    def known(self, loop: bool) -> dict[str, Tensor]:
        """What makes `average` cheap, one row a graph."""
        if self.values is not None:
            return {"averaging": self._averaging(loop)}
        return {"_row_sum": self._row_sum, "_diagonal": self._diagonal}

    @property
    def T(self) -> Coarse:
        """S^T A^T S."""
        other = copy(self)
        other.A, other.values = self.A.T, None if self.values is None else self.values.mT
        vars(other).pop("_row_sum", None)
        return other

    def matrix(self) -> Tensor:
        """(B, K, K), also where the products do without."""
        return self.S.pool(self.A @ self.S.S) if self.values is None else self.values

    def __matmul__(self, x: Tensor) -> Tensor:
        return self.S.pool(self.A @ self.S.unpool(x)) if self.values is None else self.values @ x

    def average(self, x: Tensor, loop: bool) -> Tensor:
        """A' x over the row sums of A', at least 1; with every diagonal entry set to one first if ``loop``."""
        if self.averaging is not None or self.values is not None:
            return self._averaging(loop) @ x
        total, weight = self @ x, self.row_sum().unsqueeze(-1)
        if loop:
            change = 1 - self.diagonal().unsqueeze(-1)
            total, weight = total + change * x, weight + change
        return total / weight.clamp(min=1)

    def _averaging(self, loop: bool) -> Tensor:
        """As a matrix, the same for all convolutions of a level."""
        if self.averaging is None:
            values = self.values
            if loop:
                eye = torch.eye(values.shape[-1], dtype=values.dtype, device=values.device)
                values = values * (1 - eye) + eye
            self.averaging = values / values.sum(-1, keepdim=True).clamp(min=1)
        return self.averaging

    def row_sum(self) -> Tensor:
        """A' 1 = S^T A 1, since the rows of S sum to 1: (B, K)."""
        return self._row_sum

    def diagonal(self) -> Tensor:
        """(B, K)."""
        return self._diagonal

    # Every convolution of a level asks for both.

    @cached_property
    def _row_sum(self) -> Tensor:
        if self.values is not None:
            return self.values.sum(-1)
        return self.S.pool(self.A.row_sum().unsqueeze(-1).to(self.S.S.dtype)).squeeze(-1)

    @cached_property
    def trace(self) -> Tensor:
        """(B,)."""
        return self.diagonal().sum(-1)

    # What else the auxiliary losses ask of S.

    @property
    def clusters(self) -> int:
        return self.S.S.shape[-1]

    @property
    def squared_norm(self) -> Tensor:
        """tr(S^T S), (B,)."""
        return self.S.rows.sum(self.S.squares).squeeze(-1)

    @property
    def volume(self) -> Tensor:
        """tr(S^T D S), D the degrees of A, (B,)."""
        degree = self.A.row_sum().to(self.S.S.dtype).unsqueeze(-1)
        return self.S.rows.sum(degree * self.S.squares).squeeze(-1)

    @cached_property
    def _diagonal(self) -> Tensor:
        if self.values is not None:
            return self.values.diagonal(dim1=-2, dim2=-1)
        return paired(self.A, self.S.S, self.S.S, self.S.rows, self.S.squared)

    def weight_to_others(self) -> Tensor:
        """Row sums of A' without its diagonal, (B, K), as sums of terms that are not negative: nothing cancels."""
        return paired(self.A, self.S.S, self.S.others, self.S.rows)


class _Normalise(torch.autograd.Function):
    """D^(-1/2) M D^(-1/2) of matrices (B, K, K), M without its diagonal and D its row sums, see `Normalised`.

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


def _least_degree(degree: Tensor) -> float:
    """The root of what is nearly zero has a gradient that overflows, so such a degree counts as none."""
    return torch.finfo(degree.dtype).tiny ** 0.5


def inverse_roots(degree: Tensor, diagonal: Tensor) -> Tensor:
    """D^(-1/2) where A' is a product of factors, see `Normalised`; zero for a cluster that is cut off."""
    least = 16 * torch.finfo(degree.dtype).eps * diagonal.detach().abs()
    positive = degree > least.clamp(min=_least_degree(degree))
    # Two `where`s, since even an unused root would reach the gradient.
    return torch.where(positive, torch.where(positive, degree, 1.0).rsqrt(), 0.0)


class Normalised:
    """MinCut's coarse graph: A' without its diagonal, then D^(-1/2) A' D^(-1/2).

    A cluster without weight to others keeps none. Where A' stays a product of factors, the scaling is applied to the vectors
    it multiplies and its diagonal is subtracted from the products, which costs digits when a cluster has far more weight
    within than to others; one with less than 16 rounding errors' share to others is cut off.
    """

    def __init__(self, coarse: Coarse, known: dict[str, Tensor] | None = None):
        self.coarse, self.matrix = coarse, None
        if known:  # what `Normalised.known` gave before
            vars(self).update(known)
            return
        if coarse.values is not None:
            self.matrix, self._row_sum, coarse.trace, _ = _Normalise.apply(coarse.values)
            return
        self.removed = coarse.diagonal().unsqueeze(-1)  # (B, K, 1)
        self.scale = inverse_roots(coarse.weight_to_others(), coarse.diagonal()).unsqueeze(-1)

    def known(self) -> dict[str, Tensor]:
        """What makes the products cheap where A' is a product of factors, one row a graph."""
        return {"removed": self.removed, "scale": self.scale}

    @property
    def T(self) -> Normalised:
        other = copy(self)
        other.coarse, other.matrix = self.coarse.T, None if self.matrix is None else self.matrix.mT
        vars(other).pop("_row_sum", None)
        return other

    def __matmul__(self, x: Tensor) -> Tensor:
        if self.matrix is not None:
            return self.matrix @ x
        return self.scaled.pool(self.coarse.A @ self.scaled.unpool(x)) - self.lost * x

    # Scaling S costs a pass over its rows, scaling what it multiplies one over as many for each graph as the largest has.

    @cached_property
    def scaled(self) -> Assignment:
        """S D^(-1/2)."""
        S = self.coarse.S
        return Assignment(S.S * S.rows.broadcast_to_nodes(self.scale.squeeze(-1)), S.rows)

    @cached_property
    def lost(self) -> Tensor:
        """D^(-1/2) times the diagonal times D^(-1/2), (B, K, 1)."""
        return self.removed * self.scale.square()

    def row_sum(self) -> Tensor:
        """(B, K)."""
        return self._row_sum

    @cached_property
    def _row_sum(self) -> Tensor:
        if self.matrix is not None:
            return self.matrix.sum(-1)
        return (self @ torch.ones_like(self.scale)).squeeze(-1)


def paired(A, Y: Tensor, Z: Tensor, rows: Rows, product: Tensor | None = None) -> Tensor:
    """Diagonal of Y^T A Z for each graph, (B, C), of Y and Z (N, C) or (B, n, C); through the factors of A, if it has them.

    product    Y * Z, where that is known
    """
    if isinstance(A, Normalised) and A.matrix is None:
        product = Y * Z if product is None else product
        S, bottom, lost = A.scaled, A.coarse.A, (A.lost.mT @ product).squeeze(-2)
    elif isinstance(A, Coarse) and A.values is None:
        S, bottom, lost = A.S, A.A, 0.0
    else:
        return rows.sum(Y * (A @ Z))
    left = S.unpool(Y)
    return paired(bottom, left, left if Z is Y else S.unpool(Z), S.rows) - lost
