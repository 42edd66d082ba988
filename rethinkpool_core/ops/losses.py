r"""Auxiliary losses of the pooling layers, (B,): one value per graph, over its real nodes.

For a graph alone and without padding each is the value of PyG's operator. Norms of differences are expanded, so that neither
A - S S^T nor a difference of K x K matrices is written; what is under a root is kept positive, since the root has no finite
gradient at 0. With t the trace of S^T A S and g = |S^T S|^2 (Frobenius):

    cut             -t / tr(S^T D S)
    orthogonality   |S^T S / |S^T S| - I / sqrt(K)| = sqrt(2 - 2 tr(S^T S) / sqrt(K g))
    link            |A - S S^T| / n^2 = sqrt(|A|^2 - 2 t + g) / n^2
"""

from __future__ import annotations

import torch
from torch import Tensor

from rethinkpool_core.engine.adjacency import FactoredAdjacency
from rethinkpool_core.engine.assignment import Assignment, LogAssignment
from rethinkpool_core.engine.pooled import PooledGraph
from rethinkpool_core.engine.softmax import log_softmax


def safe_sqrt(x: Tensor) -> Tensor:
    """Return the root of x, with value and gradient 0 where x is not positive."""
    positive = x > 0
    return torch.where(positive, torch.where(positive, x, 1.0).sqrt(), 0.0)


def cut_loss(pooled: PooledGraph) -> Tensor:
    """Return MinCut's cut term; 0 for a graph without edges."""
    kept, volume = pooled.statistics.trace, pooled.statistics.volume
    connected = volume > 0
    return -torch.where(connected, kept / torch.where(connected, volume, 1.0), 0.0)


def orthogonality_loss(pooled: PooledGraph) -> Tensor:
    """Return MinCut's orthogonality term; 0 for a graph without nodes."""
    statistics = pooled.statistics
    norm = safe_sqrt(pooled.S.num_clusters * statistics.gram_norm_squared)
    occupied = norm > 0
    share = torch.where(occupied, statistics.squared_norm / torch.where(occupied, norm, 1.0), 0.0)
    return torch.where(occupied, safe_sqrt(2 - 2 * share), 0.0)


def link_loss(pooled: PooledGraph) -> Tensor:
    """Return DiffPool's link prediction term."""
    S, A = pooled.S, pooled.below.A
    if isinstance(A, FactoredAdjacency):
        weight = A.to_matrix().square().sum((-1, -2))
    else:  # entries of 0 and 1
        weight = S.nodes.sum(A.degree().to(S.S.dtype).unsqueeze(-1)).squeeze(-1)
    distance = weight - 2 * pooled.statistics.trace + pooled.statistics.gram_norm_squared
    return safe_sqrt(distance) / S.nodes.count(S.S).clamp(min=1).square()


def entropy_loss(S: Assignment) -> Tensor:
    """Return DiffPool's entropy term: the entropy of a node's assignment in nats, averaged over nodes."""
    return S.nodes.mean(-(S.S * (S.S + 1e-15).log()).sum(-1, keepdim=True)).squeeze(-1)


def purity_loss(S: LogAssignment) -> Tensor:
    r"""Return GMN's unsupervised loss (Appendix D), :math:`\mathrm{KL}(P \| S)` summed over the nodes of a graph.

    :math:`P_{ij} \propto S_{ij}^2 / \sum_i S_{ij}` over j. P is a softmax of :math:`2 \log S_{ij} - \log \sum_i S_{ij}`, so
    equal keys give exactly 0.
    """
    total = S.nodes.sum(S.S)  # (B, K)
    log_total = S.nodes.broadcast_to_nodes(torch.where(total > 0, total, 1.0).log())
    log_P = log_softmax(2 * S.log - log_total)
    return S.nodes.sum((log_P.exp() * (log_P - S.log)).sum(-1, keepdim=True)).squeeze(-1)
