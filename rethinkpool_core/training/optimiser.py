"""Adam for R replicas at once, one row of a matrix for each."""

from __future__ import annotations

import torch
from torch import Tensor

BETA_1, BETA_2, EPS = 0.9, 0.999, 1e-8


class ReplicaAdam:
    """Adam (Kingma and Ba, 2015, Algorithm 1) on parameters (R, P), with one learning rate a replica.

    torch.optim.Adam has one rate for a tensor; this one takes (R,).
    """

    def __init__(self, theta: Tensor):
        self.theta = theta
        self.mean, self.square = torch.zeros_like(theta), torch.zeros_like(theta)
        self.steps = 0

    @torch.no_grad()
    def step(self, gradient: Tensor, learning_rate: Tensor, clip_norm: float = 0.0) -> None:
        """One update from a gradient (R, P), each replica's cut to ``clip_norm`` if that is not 0."""
        if clip_norm:
            norm = torch.linalg.vector_norm(gradient, dim=1, keepdim=True)
            gradient = gradient * (clip_norm / (norm + 1e-6)).clamp(max=1)
        self.steps += 1
        self.mean.lerp_(gradient, 1 - BETA_1)
        self.square.mul_(BETA_2).addcmul_(gradient, gradient, value=1 - BETA_2)
        correction = (1 - BETA_2**self.steps) ** 0.5
        denominator = (self.square.sqrt() / correction).add_(EPS)
        rate = (learning_rate / (1 - BETA_1**self.steps)).unsqueeze(1).to(self.theta.dtype)
        self.theta.sub_(rate * self.mean / denominator)

    def keep(self, rows: Tensor) -> None:
        """Only these replicas from now on."""
        self.theta, self.mean, self.square = self.theta[rows], self.mean[rows], self.square[rows]
