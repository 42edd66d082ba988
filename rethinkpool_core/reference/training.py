"""A training loop for one seed: an epoch, and the scores on validation graphs."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def supervised(kind: str, logits: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(logits, y) if kind == "cross_entropy" else F.l1_loss(logits.squeeze(-1), y)


class Trainer:
    """A model with its optimisers.

    kind        supervised loss, "cross_entropy" or "l1"
    clip_norm   largest norm of the gradient, 0 for no limit
    """

    def __init__(self, model: nn.Module, *, kind: str, learning_rate: float, clip_norm: float):
        self.model, self.kind, self.clip_norm = model, kind, clip_norm
        keys = getattr(model, "keys", [])
        self.rest = [p for p in model.parameters() if not any(p is key for key in keys)]
        self.keys = list(keys)
        # The fused one is the fastest of torch's three Adams here.
        self.adam = torch.optim.Adam(self.rest, lr=learning_rate, fused=True)
        self.keys_adam = torch.optim.Adam(self.keys, lr=learning_rate, fused=True) if keys else None

    def train_epoch(self, batches: Iterable) -> float:
        """Train for one epoch and return the mean loss."""
        self._learn(self.rest)
        total, graphs = 0.0, 0
        for data in batches:
            self.adam.zero_grad()
            logits, losses = self.model(data)
            loss = supervised(self.kind, logits, data.y) + sum(losses.values())
            loss.backward()
            if self.clip_norm:
                nn.utils.clip_grad_norm_(self.rest, self.clip_norm)
            self.adam.step()
            total = total + loss.detach() * data.num_graphs
            graphs += data.num_graphs
        return float(total) / graphs

    def train_keys(self, batches: Iterable, graphs: int) -> float:
        """Update GMN's keys by one step on the purity loss of all ``graphs`` training graphs, and return that loss."""
        self._learn(self.keys)
        self.keys_adam.zero_grad()
        total = 0.0
        for data in batches:
            loss = self.model.purity(data) * (data.num_graphs / graphs)
            loss.backward()
            total = total + loss.detach()
        self.keys_adam.step()
        return float(total)

    def _learn(self, chosen: list[nn.Parameter]) -> None:
        """Compute gradients of ``chosen`` only."""
        self.model.train()
        for parameters, wanted in ((self.keys, chosen is self.keys), (self.rest, chosen is self.rest)):
            for parameter in parameters:
                parameter.requires_grad_(wanted)

    @torch.no_grad()
    def evaluate(self, batches: Iterable) -> tuple[float, float]:
        """Return the loss, and the accuracy (or the mean absolute error)."""
        self.model.eval()
        logits, y = zip(*((self.model(data)[0], data.y) for data in batches), strict=True)
        logits, y = torch.cat(logits), torch.cat(y)
        loss = float(supervised(self.kind, logits, y))
        return loss, float((logits.argmax(-1) == y).double().mean()) if self.kind == "cross_entropy" else loss
