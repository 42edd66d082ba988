"""Pooling with a fixed assignment.

`dense_mincut_pool` and `dense_diff_pool` also compute auxiliary losses, which a fixed assignment does not need. Leaving them out
makes the baseline faster.
"""

from __future__ import annotations

from torch import Tensor


def fixed_pool(x: Tensor, A: Tensor, S: Tensor) -> tuple[Tensor, Tensor]:
    """Return S^T X (B, K, D) and S^T A S (B, K, K). ``S`` (n, K), after softmax, has one row per node position.

    Padding is zero in x and A, so S needs no mask.
    """
    S = S[: x.shape[1]]
    return S.T @ x, S.T @ (A @ S)
