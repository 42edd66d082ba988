r"""The same means and the auxiliary losses' statistics for a learned S that is too large for all graphs at once.

Between two levels of clusters S has n K entries for every graph, however small, and n follows the largest graph of the dataset.
It would be the largest tensor of a step, with a dozen more of its size; here it exists for a few graphs at a time, and again in
the backward pass.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from rethinkpool_core.engine.affine import by_replica
from rethinkpool_core.engine.assignment import Assignment, LinearAssignment
from rethinkpool_core.engine.mean_readout import column_sums, scaled_diagonal
from rethinkpool_core.engine.nodes import ClusterNodes
from rethinkpool_core.engine.normalised import NormalisedAdjacency
from rethinkpool_core.engine.products import from_parts, pool, to_parts
from rethinkpool_core.engine.softmax import softmax

ENTRIES_AT_ONCE = {"cpu": 1 << 18, "gpu": 1 << 26}
"""Entries of S at once: what a CPU's cache holds beside the tensors made of them, and what keeps a GPU busy."""


class ChunkedReadout:
    """Means over clusters, and `Statistics`, with S = softmax(x W + b) of clusters whose A stays a product of factors.

    S  x is (B, n, D), W and b are of one seed or stacked
    A  the normalised adjacency below S
    """

    def __init__(self, S: LinearAssignment, A: NormalisedAdjacency):
        x, linear = S.x, S.linear
        self.num_clusters, self._buckets, B, n = S.num_clusters, A.factor.nodes.buckets, *x.shape[:2]
        _, W = by_replica(x, linear.weight, 2)
        _, b = by_replica(x, linear.bias, 1)
        replica = self._buckets.sort_graphs(torch.arange(B, device=x.device)) // (B // len(W))
        self._logits = [
            self._buckets.sort_graphs(x), W.mT.index_select(0, replica), b.unsqueeze(1).index_select(0, replica)
        ]  # fmt: skip
        self._removed = self._buckets.sort_graphs(A.removed)
        entries = ENTRIES_AT_ONCE["cpu" if x.device.type == "cpu" else "gpu"]
        at_once = max(1, entries // (n * self.num_clusters))
        factors = to_parts(self._buckets, A.factor.S, at_once)
        self._sizes = [len(part) for part in factors]
        left, others, within, between, gram, squares = self._map_chunks(
            _products, self._removed, factors=factors
        )
        left, others = (from_parts(self._buckets, parts, at_once) for parts in (left, others))
        within, between, gram, squares = (
            self._buckets.unsort_graphs(torch.cat(parts)) for parts in (within, between, gram, squares)
        )
        self.gram_norm_squared = gram
        self.squared_norm = squares.sum(-1)
        self.volume = (A.degree() * squares).sum(-1)
        self._of_clusters = scaled_diagonal(A, left, others, within, between)
        self.trace = self._of_clusters[0].sum(-1)

    def means(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the means over clusters of A' X' and of X', (B, D) each, for x (B, n, D) before pooling."""
        values = [self._buckets.sort_graphs(t) for t in (x, *self._of_clusters)]
        (found,) = self._map_chunks(_weighted_means, self._removed, *values)
        return self._buckets.unsort_graphs(torch.cat(found)), x.sum(-2) / self.num_clusters

    def _map_chunks(
        self, work: Callable, *values: Tensor, factors: list[Tensor] | None = None
    ) -> list[tuple]:
        """Apply ``work`` to a few graphs at a time; return one tuple of chunks for each of its results."""
        split = [value.split(self._sizes) for value in (*self._logits, *values)]
        chunks = zip(*split, *([] if factors is None else [factors]), strict=True)
        if torch.is_grad_enabled():
            found = [
                checkpoint(work, *chunk, use_reentrant=False, preserve_rng_state=False) for chunk in chunks
            ]
        else:
            found = [work(*chunk) for chunk in chunks]
        return list(zip(*found, strict=True))


def _assignment(x: Tensor, W: Tensor, b: Tensor) -> Assignment:
    """Return S of c graphs."""
    return Assignment(softmax(torch.baddbmm(b, x, W)), ClusterNodes(len(x), x.shape[-2]))


def _products(x: Tensor, W: Tensor, b: Tensor, removed: Tensor, factor: Tensor) -> tuple[Tensor, ...]:
    """Return all that is asked of S, of c graphs, with F the factor of A.

    F S and F (1 - S), (c, m, K); the sums of removed S^2 and of removed S (1 - S) over nodes, (c, K); |S^T S|^2, (c,); the
    squared norm of each row, (c, n).
    """
    S = _assignment(x, W, b)
    (gram_norm_squared,) = pool(S.nodes.buckets, S.S, norm=True)
    within, between = ((removed * S.S * other).sum(-2) for other in (S.S, S.one_minus_S))
    squares = S.squared_row_norms.squeeze(-1)
    return factor @ S.S, factor @ S.one_minus_S, within, between, gram_norm_squared, squares


def _weighted_means(
    x: Tensor, W: Tensor, b: Tensor, removed: Tensor, features: Tensor, diagonal: Tensor, scale: Tensor, reached: Tensor
) -> tuple[Tensor]:  # fmt: skip
    """Return the means over the clusters of A' X', (c, D)."""
    S = _assignment(x, W, b)
    back = (S.S * (removed * S.times_vectors(scale))).sum(-2)  # S^T (removed S scale)
    sums = column_sums(scale, reached, back, diagonal)
    return (S.nodes.weighted_sum(features, S.times_vectors(sums / S.num_clusters)),)
