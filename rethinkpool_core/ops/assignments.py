"""Fixed random assignment matrices: what replaces the learned clustering in the randomised variants."""

from __future__ import annotations

import torch
from torch import Tensor

DISTRIBUTIONS = ("uniform", "normal", "bernoulli", "categorical")
BERNOULLI_P = 0.3


def random_assignment(kind: str, rows: int, columns: int) -> Tensor:
    """(rows, columns) logits from the global generator: uniform on [0, 1), standard normal, Bernoulli(0.3) or one-hot rows."""
    if kind == "uniform":
        return torch.rand(rows, columns)
    if kind == "normal":
        return torch.randn(rows, columns)
    if kind == "bernoulli":
        return torch.bernoulli(torch.full((rows, columns), BERNOULLI_P))
    return torch.nn.functional.one_hot(torch.randint(columns, (rows,)), columns).float()
