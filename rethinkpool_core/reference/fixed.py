"""Pooling by an assignment that never changes.

`dense_mincut_pool` and `dense_diff_pool` would do, but they also compute auxiliary losses, which a fixed assignment does not
need: leaving them out makes the yardstick faster.
"""

from __future__ import annotations

from torch import Tensor


def fixed_pool(x: Tensor, A: Tensor, S: Tensor) -> tuple[Tensor, Tensor]:
    """S^T X (B, K, D) and S^T A S (B, K, K); ``S`` (n, K) after softmax has one row for each place in a graph.

    Rows of nodes that are not there are zero in x and A, so S itself needs no mask.
    """
    S = S[: x.shape[1]]
    return S.T @ x, S.T @ (A @ S)
