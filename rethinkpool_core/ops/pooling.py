r"""Pooling by an assignment matrix: :math:`X' = S^\top X` and :math:`A' = S^\top A S`, the latter as an operator.

The nodes of a batch are ragged rows before the first pooling layer, (N, D), and one block a graph after it, (B, n, D);
`Rows` says which. The result of pooling always has K rows a graph, (B, K, D).

A' has at most the rank n of the graph it comes from, while K follows the largest graph of the dataset: on DD, n is 284
on average and K up to 2874. So :math:`A' y = S^\top (A (S y))` is usually cheaper than any use of the K x K matrix, and its
memory grows with the nodes of the batch. `Coarse` writes the matrix down only where it is the smaller of the two.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

if TYPE_CHECKING:
    from rethinkpool_core.data.batch import Batch


class Rows:
    """The nodes at one level: the ragged rows of ``batch``, or (B, n, ...) blocks when it is None."""

    def __init__(self, batch: Batch | None = None):
        self.batch = batch

    def sum(self, x: Tensor) -> Tensor:
        """Over the nodes of each graph: (B, D)."""
        return x.sum(-2) if self.batch is None else self.batch.graph_sum(x)

    def count(self, x: Tensor) -> Tensor:
        """Number of nodes of each graph, (B,), in x's dtype."""
        if self.batch is None:
            return torch.full(x.shape[:1], x.shape[-2], dtype=x.dtype, device=x.device)
        return self.batch.num_nodes.to(x.dtype)

    def mean(self, x: Tensor) -> Tensor:
        """Over the nodes of each graph: (B, D); zero for a graph without nodes."""
        return self.sum(x) / self.count(x).clamp(min=1).unsqueeze(-1)

    def spread(self, values: Tensor) -> Tensor:
        """One row a graph, (B, D), to its nodes; padding takes zeros."""
        if self.batch is None:
            return values.unsqueeze(-2)
        return self.batch.membership.T @ torch.cat([values, values.new_zeros(1, values.shape[-1])])

    def place(self, matrix: Tensor, x: Tensor) -> Tensor:
        """A matrix with one row for each place in a graph, (n, K), handed to the nodes of x: (N, K) or (B, n, K)."""
        if self.batch is None:
            return matrix.expand(x.shape[0], *matrix.shape)
        return matrix.index_select(0, self.batch.position.clamp(max=matrix.shape[0] - 1))

    def blocks(self, x: Tensor) -> list[Tensor]:
        """As padded blocks (graphs, width, D), zero where a graph has fewer nodes."""
        return [x] if self.batch is None else self.batch.to_groups(x)

    def from_blocks(self, blocks: list[Tensor]) -> Tensor:
        """Inverse of `blocks`; padding rows of the batch take zeros."""
        return blocks[0] if self.batch is None else self.batch.from_groups(blocks)

    def norm_rows(self, count_padding: bool) -> tuple[Tensor | None, int | None]:
        """Arguments of `BatchNorm` at this level: which rows are real, and the number of padded positions if they count."""
        if self.batch is None:
            return None, None
        real = (self.batch.graph < self.batch.num_graphs).unsqueeze(-1) if self.batch.padded else None
        return real, self.batch.num_graphs * self.batch.width if count_padding else None


class _GramNorm(torch.autograd.Function):
    """|S^T S|^2 = |S S^T|^2 of (B, n, K), from the smaller of the two products.

    Its gradient is 4 S S^T S; left to itself, autograd makes it as two products of that size, one for each factor.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(S):
        gram = S @ S.transpose(-1, -2) if S.shape[-2] < S.shape[-1] else S.transpose(-1, -2) @ S
        return gram.square().sum((-1, -2)), gram

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(inputs[0], output[1])

    @staticmethod
    @once_differentiable
    def backward(ctx, grad, _):
        S, gram = ctx.saved_tensors
        product = gram @ S if S.shape[-2] < S.shape[-1] else S @ gram
        return product.mul_(4 * grad[..., None, None])


class Assignment:
    """S after softmax, one row a node that sums to 1: (N, K) or (B, n, K)."""

    def __init__(self, S: Tensor, rows: Rows):
        self.S, self.rows = S, rows

    @cached_property
    def blocks(self) -> list[Tensor]:
        return self.rows.blocks(self.S)

    def pool(self, X: Tensor) -> Tensor:
        """S^T X, (B, K, D)."""
        pairs = zip(self.blocks, self.rows.blocks(X), strict=True)
        return _join([s.transpose(-1, -2) @ x for s, x in pairs])

    def unpool(self, Y: Tensor) -> Tensor:
        """S Y for Y (B, K, D): (N, D) or (B, n, D)."""
        parts = Y.split([len(s) for s in self.blocks])
        return self.rows.from_blocks([s @ y for s, y in zip(self.blocks, parts, strict=True)])

    @cached_property
    def squares(self) -> Tensor:
        """S elementwise squared."""
        return self.S.square()

    def gram_norm_squared(self) -> Tensor:
        """|S^T S|^2 in the Frobenius norm, (B,)."""
        return _join([_GramNorm.apply(s)[0] for s in self.blocks])


def _join(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)


class Coarse:
    """A' = S^T A S as something that multiplies: (B, K, D) -> (B, K, D).

    ``nodes`` is the average number of nodes of the graphs at the bottom, hence about the rank of A'.
    """

    def __init__(self, A, S: Assignment, nodes: float):
        self.A, self.S = A, S
        self.explicit = S.S.shape[-1] <= 2 * nodes

    @cached_property
    def values(self) -> Tensor:
        """(B, K, K)."""
        return self.S.pool(self.A @ self.S.S)

    def __matmul__(self, x: Tensor) -> Tensor:
        return self.values @ x if self.explicit else self.S.pool(self.A @ self.S.unpool(x))

    def row_sum(self) -> Tensor:
        """A' 1 = S^T A 1, since the rows of S sum to 1: (B, K)."""
        return self._row_sum

    def diagonal(self) -> Tensor:
        """(B, K)."""
        return self._diagonal

    # Every convolution of a level asks for both.

    @cached_property
    def _row_sum(self) -> Tensor:
        return self.S.pool(self.A.row_sum().unsqueeze(-1).to(self.S.S.dtype)).squeeze(-1)

    @cached_property
    def _diagonal(self) -> Tensor:
        return quadratic(self.A, self.S)


class Normalised:
    """MinCut's coarse graph: A' without its diagonal, then D^(-1/2) A' D^(-1/2).

    Both steps are applied to the vectors that the matrix multiplies. A cluster without weight keeps none.
    """

    def __init__(self, coarse: Coarse):
        self.coarse = coarse
        diagonal = coarse.diagonal()
        degree = coarse.row_sum() - diagonal
        # What the subtraction leaves of an empty row is rounding error, not weight.
        positive = degree > 16 * torch.finfo(degree.dtype).eps * diagonal.abs()
        # Two `where`s: the root of a zero degree must not reach the gradient.
        scale = torch.where(positive, torch.where(positive, degree, 1.0).rsqrt(), 0.0)
        self.removed, self.scale = diagonal.unsqueeze(-1), scale.unsqueeze(-1)  # (B, K, 1)

    def __matmul__(self, x: Tensor) -> Tensor:
        x = self.scale * x
        return self.scale * (self.coarse @ x - self.removed * x)

    def row_sum(self) -> Tensor:
        return (self @ torch.ones_like(self.scale)).squeeze(-1)


def quadratic(A, S: Assignment) -> Tensor:
    """Diagonal of S^T A S for each graph, (B, K); through the factors of A, where it has them."""
    if isinstance(A, Normalised):
        inner = _quadratic(A.coarse, A.scale * S.S, S.rows)
        return inner - (A.scale.square() * A.removed * S.squares).sum(-2)
    return _quadratic(A, S.S, S.rows)


def _quadratic(A, Y: Tensor, rows: Rows) -> Tensor:
    if isinstance(A, Normalised):
        return quadratic(A, Assignment(Y, rows))
    if isinstance(A, Coarse) and not A.explicit:
        return _quadratic(A.A, A.S.unpool(Y), A.S.rows)
    return rows.sum(Y * (A @ Y))
