r"""Pooling by an assignment matrix: :math:`X' = S^\top X` and :math:`A' = S^\top A S`, the latter as an operator.

The nodes of a batch are ragged rows before the first pooling layer, (N, D), and one block a graph after it, (B, n, D);
`Rows` says which. The result of pooling always has K rows a graph, (B, K, D).

A' has at most the rank n of the graph it comes from, while K follows the largest graph of the dataset: on DD, n is 284
on average and K up to 2874. So :math:`A' y = S^\top (A (S y))` is usually cheaper than any use of the K x K matrix, and its
memory grows with the nodes of the batch. `Coarse` multiplies by the matrix itself only where that is the smaller of the
two (DiffPool's link term of a second layer needs the matrix once all the same, for its norm).
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

    def norm_rows(self, count_padding: bool) -> tuple[Tensor | None, Tensor | None]:
        """Arguments of `BatchNorm` at this level: which rows are real, and the number of padded positions if they count."""
        if self.batch is None:
            return None, None
        real = (self.batch.graph < self.batch.num_graphs).unsqueeze(-1) if self.batch.padded else None
        return real, self.batch.num_graphs * self.batch.num_nodes.amax() if count_padding else None


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

    @cached_property
    def others(self) -> Tensor:
        """1 - S, to full precision also where S is nearly 1: there it is the sum of the row's other entries."""
        largest = self.S.argmax(-1, keepdim=True)
        rest = self.S.scatter(-1, largest, 0.0).sum(-1, keepdim=True)
        return (1 - self.S).scatter(-1, largest, rest)

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
        # Below 128 clusters the matrix is small whatever the graphs are, and exact where factors cancel (`Normalised`).
        self.explicit = S.S.shape[-1] <= max(2 * nodes, 128)

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
        return paired(self.A, self.S.S, self.S.S, self.S.rows)

    def weight_to_others(self) -> Tensor:
        """Row sums of A' without its diagonal, (B, K), as sums of terms that are not negative: nothing cancels."""
        return paired(self.A, self.S.S, self.S.others, self.S.rows)


class Normalised:
    """MinCut's coarse graph: A' without its diagonal, then D^(-1/2) A' D^(-1/2).

    The scaling is applied to the vectors that the matrix multiplies. A cluster without weight to others keeps none.
    Where A' stays a product of factors, its diagonal is subtracted from the products, which costs digits when a cluster
    has far more weight within than to others; one with less than 16 rounding errors' share to others is cut off.
    """

    def __init__(self, coarse: Coarse):
        self.coarse = coarse
        if coarse.explicit:
            K = coarse.values.shape[-1]
            loops = torch.eye(K, dtype=torch.bool, device=coarse.values.device)
            self.matrix, self.removed = coarse.values.masked_fill(loops, 0), None
            degree, least = self.matrix.sum(-1), 0.0
        else:
            self.matrix, self.removed = None, coarse.diagonal().unsqueeze(-1)  # (B, K, 1)
            degree = coarse.weight_to_others()
            least = 16 * torch.finfo(degree.dtype).eps * coarse.diagonal().detach().abs()
        # The root of what is nearly zero has a gradient that overflows, so such a degree counts as none; two `where`s, since
        # even an unused root would reach the gradient.
        positive = degree > torch.as_tensor(least, dtype=degree.dtype).clamp(
            min=torch.finfo(degree.dtype).tiny ** 0.5
        )
        self.scale = torch.where(positive, torch.where(positive, degree, 1.0).rsqrt(), 0.0).unsqueeze(-1)

    def __matmul__(self, x: Tensor) -> Tensor:
        x = self.scale * x
        product = self.coarse @ x - self.removed * x if self.matrix is None else self.matrix @ x
        return self.scale * product

    def row_sum(self) -> Tensor:
        """(B, K)."""
        return self._row_sum

    @cached_property
    def _row_sum(self) -> Tensor:
        return (self @ torch.ones_like(self.scale)).squeeze(-1)


def paired(A, Y: Tensor, Z: Tensor, rows: Rows) -> Tensor:
    """Diagonal of Y^T A Z for each graph, (B, C), of Y and Z (N, C) or (B, n, C); through the factors of A, if it has them."""
    if isinstance(A, Normalised) and A.matrix is None:
        left = A.scale * Y
        right = left if Z is Y else A.scale * Z
        return paired(A.coarse, left, right, rows) - (A.removed * left * right).sum(-2)
    if isinstance(A, Coarse) and not A.explicit:
        left = A.S.unpool(Y)
        return paired(A.A, left, left if Z is Y else A.S.unpool(Z), A.S.rows)
    return rows.sum(Y * (A @ Z))
