r"""The mean over clusters of a convolution on a pooled graph, without pooling a feature.

The mean over the K clusters of :math:`X'` is the sum over all nodes of X, over K, since the rows of S sum to 1. The mean of
:math:`A' X'` is :math:`(S w)^\top X` with :math:`w = A'^\top 1 / K`: one weight per node.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from rethinkpool_core.engine.adjacency import FactoredAdjacency, bilinear_diagonal
from rethinkpool_core.engine.assignment import Assignment, FixedAssignment
from rethinkpool_core.engine.nodes import ClusterNodes, NodeLayout
from rethinkpool_core.engine.normalised import NormalisedAdjacency, inverse_roots


def means(x: Tensor, weights: Tensor, nodes: NodeLayout, num_clusters: int) -> tuple[Tensor, Tensor]:
    """Return the means over clusters of A' X' and of X', (B, D) each.

    x        (N, D) or (B, n, D), the features before they are pooled
    weights  (N, 1) or (B, n, 1), as `readout_weights` returns them
    """
    if isinstance(nodes, ClusterNodes):  # both in one product
        weights = F.pad(weights, (0, 1), value=1 / num_clusters)
        return (weights.mT @ x).unbind(-2)
    return nodes.weighted_sum(x, weights), nodes.sum(x) / num_clusters


def readout_weights(S: Assignment, A: FactoredAdjacency) -> Tensor:
    """Return S A'^T 1 / K, (N, 1) or (B, n, 1), for the A' that S has made."""
    return S.times_vectors(A.T.degree() / S.num_clusters)


def shared_readout_weights(S: FixedAssignment, A: NormalisedAdjacency) -> Tensor:
    """Return `readout_weights` where A below is a product of factors: S is never written for every graph.

    S  of pooled nodes, whose rows all graphs of a replica share
    A  the normalised adjacency below S
    """
    rows = S.rows if S.rows.dim() == 3 else S.rows.unsqueeze(0)
    shared = Assignment(rows, ClusterNodes(len(rows), rows.shape[-2]))

    def times(vectors: Tensor, matrix: Tensor) -> Tensor:
        return (vectors.reshape(len(matrix), -1, vectors.shape[-1]) @ matrix).view(*vectors.shape[:-1], -1)

    removed = A.removed.squeeze(-1)  # (B, n)
    left, others = (times(A.factor.S, T) for T in (shared.S, shared.one_minus_S))
    within, between = (times(removed, shared.S * T) for T in (shared.S, shared.one_minus_S))
    diagonal, scale, reached = scaled_diagonal(A, left, others, within, between)
    back = times(removed * times(scale, shared.S.mT), shared.S)
    sums = column_sums(scale, reached, back, diagonal)
    return times(sums / S.num_clusters, shared.S.mT).unsqueeze(-1)


def scaled_diagonal(
    A: NormalisedAdjacency, left: Tensor, others: Tensor, within: Tensor, between: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the diagonal of A', D^(-1/2), and S^T A^T S D^(-1/2) 1 without the diagonal that A has lost, (B, K) each.

    left, others     F S and F (1 - S), with F the factor of A
    within, between  sums over nodes of removed S^2 and of removed S (1 - S), (B, K)
    """
    nodes, bottom = A.factor.nodes, A.below
    diagonal = bilinear_diagonal(bottom, left, left, nodes) - within
    scale = inverse_roots(bilinear_diagonal(bottom, left, others, nodes) - between, diagonal)
    reached = bottom.T @ (left * nodes.broadcast_to_nodes(scale)).sum(-1, keepdim=True)
    return diagonal, scale, nodes.sum(left * reached)


def column_sums(scale: Tensor, reached: Tensor, back: Tensor, diagonal: Tensor) -> Tensor:
    """Return the column sums of A' without its diagonal, scaled, (B, K); ``back`` belongs to the diagonal that A has lost."""
    return scale * (reached - back - diagonal * scale)
