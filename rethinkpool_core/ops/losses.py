r"""Auxiliary losses of the pooling layers, (B,): each graph's own, over its real nodes.

A graph alone and without padding gives the value of PyG's operator. Norms of differences are expanded, so that
neither A - S S^T nor a difference of K x K matrices is written; what is under a root is kept positive, since the root
has no finite gradient at 0. With t the trace of S^T A S and g = |S^T S|^2 (Frobenius):

    cut             -t / tr(S^T D S)
    orthogonality   |S^T S / |S^T S| - I / sqrt(K)| = sqrt(2 - 2 tr(S^T S) / sqrt(K g))
    link            |A - S S^T| / n^2 = sqrt(|A|^2 - 2 t + g) / n^2
"""

from __future__ import annotations

import torch
from torch import Tensor

from rethinkpool_core.engine.pooling import Coarse
from rethinkpool_core.engine.readout import PartedReadout
from rethinkpool_core.engine.rows import Assignment, Rows
from rethinkpool_core.engine.softmax import log_softmax


def safe_sqrt(x: Tensor) -> Tensor:
    """Root of x, of value and gradient 0 where x is not positive."""
    positive = x > 0
    return torch.where(positive, torch.where(positive, x, 1.0).sqrt(), 0.0)


def cut_loss(coarse: Coarse | PartedReadout) -> Tensor:
    """MinCut's cut term of the S that made ``coarse``; 0 for a graph without edges."""
    kept, volume = coarse.trace, coarse.volume
    connected = volume > 0
    return -torch.where(connected, kept / torch.where(connected, volume, 1.0), 0.0)


def orthogonality_loss(coarse: Coarse | PartedReadout) -> Tensor:
    """MinCut's orthogonality term of the S that made ``coarse``."""
    norm = safe_sqrt(coarse.clusters * coarse.gram_norm_squared)
    occupied = norm > 0
    share = torch.where(occupied, coarse.squared_norm / torch.where(occupied, norm, 1.0), 0.0)
    return safe_sqrt(2 - 2 * share)


def link_loss(coarse: Coarse) -> Tensor:
    """DiffPool's link-prediction term of the S that made ``coarse``."""
    S, A = coarse.S, coarse.A
    if isinstance(A, Coarse):
        weight = A.matrix().square().sum((-1, -2))
    else:  # entries of 0 and 1
        weight = S.rows.sum(A.row_sum().to(S.S.dtype).unsqueeze(-1)).squeeze(-1)
    distance = weight - 2 * coarse.trace + coarse.gram_norm_squared
    return safe_sqrt(distance) / S.rows.count(S.S).clamp(min=1).square()


def entropy_loss(S: Assignment) -> Tensor:
    """DiffPool: entropy of a node's assignment in nats, mean over nodes."""
    return S.rows.mean(-(S.S * (S.S + 1e-15).log()).sum(-1, keepdim=True)).squeeze(-1)


def purity_loss(log_S: Tensor, rows: Rows) -> Tensor:
    r"""GMN, Appendix D: :math:`\mathrm{KL}(P \| S)` over a graph's nodes; :math:`P_{ij} \propto S_{ij}^2 / \sum_i S_{ij}` in j.

    Logarithms throughout: P is a softmax of :math:`2 \log S_{ij} - \log \sum_i S_{ij}`, so equal keys give exactly 0.
    """
    column = rows.sum(log_S.exp())
    log_column = rows.broadcast_to_nodes(torch.where(column > 0, column, 1.0).log())
    log_P = log_softmax(2 * log_S - log_column)
    return rows.sum((log_P.exp() * (log_P - log_S)).sum(-1, keepdim=True)).squeeze(-1)
