r"""A last pooling layer of MinCut, of which nothing but means over its clusters is asked for.

The mean over the K clusters of :math:`X'` is the sum over all nodes of X, over K, since the rows of S sum to 1. The mean of
:math:`A' X'` is :math:`(S w)^\top X` with :math:`w = A'^\top 1 / K`: one weight a node (`Readout`), and no feature is pooled.
Where S is large, it is made for a few graphs at a time (`PartedReadout`).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from rethinkpool_core.batching.buckets import Uniform
from rethinkpool_core.engine.affine import Linear, by_replica
from rethinkpool_core.engine.pooling import Normalised, inverse_roots, paired
from rethinkpool_core.engine.products import from_parts, pool, to_parts
from rethinkpool_core.engine.rows import Assignment, Rows
from rethinkpool_core.engine.softmax import softmax

# Entries of S at once: as many as a CPU's cache holds beside what is made of them, and as keep a GPU busy.
_ENTRIES_AT_ONCE = {"cpu": 1 << 18, "gpu": 1 << 26}


class Readout:
    """Means over the clusters by one weight a node.

    weights     (N, 1) or (B, n, 1), as `readout_weights` has them
    rows        the nodes
    clusters    K
    """

    def __init__(self, weights: Tensor, rows: Rows, clusters: int):
        self.weights, self.rows, self.clusters = weights, rows, clusters

    def means(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Of A' X' and of X', (B, D) each, from x (N, D) or (B, n, D), which is X before it is pooled."""
        if self.rows.batch is None:  # both in one product
            weights = F.pad(self.weights, (0, 1), value=1 / self.clusters)
            return (weights.mT @ x).unbind(-2)
        return self.rows.weighted_sum(x, self.weights), self.rows.sum(x) / self.clusters


def readout_weights(S: Assignment, A: Normalised) -> Tensor:
    """S w, with the A' that S has made: (N, 1) or (B, n, 1)."""
    return _times(S, A.T.row_sum() / S.S.shape[-1])


def _times(S: Assignment, y: Tensor) -> Tensor:
    """S y for vectors y (B, K): as a matrix product, of one column, it took six times as long."""
    return (S.S * S.rows.broadcast_to_nodes(y)).sum(-1, keepdim=True)


def shared_weights(S: Tensor, A: Normalised) -> Tensor:
    """`readout_weights` where all graphs of a seed have one S, (n, K) or stacked (R, n, K), and A is a product of factors."""
    S = Assignment(S if S.dim() == 3 else S.unsqueeze(0), Rows())

    def times(rows: Tensor, matrix: Tensor) -> Tensor:
        return (rows.reshape(len(matrix), -1, rows.shape[-1]) @ matrix).view(*rows.shape[:-1], -1)

    lost = A.lost.squeeze(-1)  # (B, n)
    left, others = (times(A.scaled.S, T) for T in (S.S, S.others))
    within, between = (times(lost, S.S * T) for T in (S.S, S.others))
    diagonal, scale, reached = _scaled(A, left, others, within, between)
    back = times(lost * times(scale, S.S.mT), S.S)
    return times(_column_sums(scale, reached, back, diagonal) / S.S.shape[-1], S.S.mT).unsqueeze(-1)


def _scaled(
    A: Normalised, left: Tensor, others: Tensor, within: Tensor, between: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The diagonal of A', D^(-1/2), and S^T A^T S D^(-1/2) 1 but for what A lost of its diagonal, (B, K) each.

    left, others       F S and F (1 - S) of the nodes below, with F the factor of A
    within, between    sums of lost S^2 and of lost S (1 - S), (B, K)
    """
    rows, bottom = A.scaled.rows, A.coarse.A
    diagonal = paired(bottom, left, left, rows) - within
    scale = inverse_roots(paired(bottom, left, others, rows) - between, diagonal)
    reached = bottom.T @ (left * rows.broadcast_to_nodes(scale)).sum(-1, keepdim=True)
    return diagonal, scale, rows.sum(left * reached)


def _column_sums(scale: Tensor, reached: Tensor, back: Tensor, diagonal: Tensor) -> Tensor:
    """Of A' without its diagonal, scaled; ``back`` is what A lost: (B, K)."""
    return scale * (reached - back - diagonal * scale)


class PartedReadout:
    """With S = softmax(x W + b), of nodes that are clusters themselves and whose A is not written down.

    There S has n K entries for every graph, however small, and n follows the largest graph of the dataset. It would be the
    largest tensor of a step, with a dozen more of its size; here it exists for a few graphs at a time, and again in the
    backward. Offers what the auxiliary losses ask of a `Coarse`.

    x        (B, n, D)
    linear   W and b, of one seed or stacked
    A        a product of factors
    """

    def __init__(self, x: Tensor, linear: Linear, A: Normalised):
        self.clusters, self._layout, B, n = linear.out_features, A.scaled.rows.layout, *x.shape[:2]
        _, W = by_replica(x, linear.weight, 2)
        _, b = by_replica(x, linear.bias, 1)
        replica = self._layout.arrange(torch.arange(B, device=x.device)) // (B // len(W))
        self._logits = [
            self._layout.arrange(x), W.mT.index_select(0, replica), b.unsqueeze(1).index_select(0, replica)
        ]  # fmt: skip
        self._lost = self._layout.arrange(A.lost)
        entries = _ENTRIES_AT_ONCE["cpu" if x.device.type == "cpu" else "gpu"]
        at_once = max(1, entries // (n * self.clusters))
        factors = to_parts(self._layout, A.scaled.S, at_once)
        self._sizes = [len(part) for part in factors]
        left, others, within, between, gram, squares = self._pass(_products, self._lost, factors=factors)
        left, others = (from_parts(self._layout, parts, at_once) for parts in (left, others))
        within, between, gram, squares = (
            self._layout.restore(torch.cat(parts)) for parts in (within, between, gram, squares)
        )
        self.gram_norm_squared = gram
        self.squared_norm = squares.sum(-1)
        self.volume = (A.row_sum() * squares).sum(-1)
        self._of_clusters = _scaled(A, left, others, within, between)
        self.trace = self._of_clusters[0].sum(-1)

    def means(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """As those of `Readout`."""
        values = [self._layout.arrange(t) for t in (x, *self._of_clusters)]
        (means,) = self._pass(_weighted_means, self._lost, *values)
        return self._layout.restore(torch.cat(means)), x.sum(-2) / self.clusters

    def _pass(self, work: Callable, *values: Tensor, factors: list[Tensor] | None = None) -> list[tuple]:
        """``work`` on a few graphs at a time; a tuple of parts for each of its results."""
        split = [value.split(self._sizes) for value in (*self._logits, *values)]
        parts = zip(*split, *([] if factors is None else [factors]), strict=True)
        if torch.is_grad_enabled():
            found = [checkpoint(work, *part, use_reentrant=False, preserve_rng_state=False) for part in parts]
        else:
            found = [work(*part) for part in parts]
        return list(zip(*found, strict=True))


def _products(x: Tensor, W: Tensor, b: Tensor, lost: Tensor, factor: Tensor) -> tuple[Tensor, ...]:
    """What is asked of S, of c graphs, with F the factor of A.

    F S and F (1 - S), (c, m, K); the sums of lost S^2 and of lost S (1 - S) over the nodes, (c, K); |S^T S|^2, (c,); the squared
    norm of each row, (c, n).
    """
    S = Assignment(softmax(torch.baddbmm(b, x, W)), Rows())
    (gram_norm_squared,) = pool(Uniform(), S.S, norm=True)
    within, between = ((lost * S.S * other).sum(-2) for other in (S.S, S.others))
    return factor @ S.S, factor @ S.others, within, between, gram_norm_squared, S.squares.squeeze(-1)


def _weighted_means(
    x: Tensor, W: Tensor, b: Tensor, lost: Tensor, features: Tensor, diagonal: Tensor, scale: Tensor, reached: Tensor
) -> tuple[Tensor]:  # fmt: skip
    """The means over the clusters of A' X', (c, D)."""
    S = Assignment(softmax(torch.baddbmm(b, x, W)), Rows())
    back = (S.S * (lost * _times(S, scale))).sum(-2)  # S^T (lost S scale)
    sums = _column_sums(scale, reached, back, diagonal)
    return (S.rows.weighted_sum(features, _times(S, sums / S.S.shape[-1])),)
