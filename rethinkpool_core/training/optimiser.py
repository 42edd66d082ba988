"""Adam for R replicas at once, whose parameters are the rows of a matrix."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.optim.adam import adam

BETA_1, BETA_2, EPS = 0.9, 0.999, 1e-8


class ReplicaAdam:
    """Adam (Kingma and Ba, 2015, Algorithm 1) on parameters (R, P), with a learning rate per replica.

    torch's fused Adam passes over the parameters once instead of eleven times, but has one learning rate for a whole tensor.
    An update is linear in the rate, so it is computed for the rate 1, from parameters of 0, and multiplied by the rates.
    """

    def __init__(self, theta: Tensor):
        self.theta = theta
        self.mean, self.square, self._change = (torch.zeros_like(theta) for _ in range(3))
        self.steps = 0

    @property
    def steps(self) -> int:
        """Number of steps so far."""
        return int(self._steps)

    @steps.setter
    def steps(self, number: int) -> None:
        # A tensor on the device, where the fused step increments it.
        self._steps = torch.tensor(float(number), device=self.theta.device)

    @torch.no_grad()
    def step(self, gradient: Tensor, learning_rate: Tensor, clip_norm: float = 0.0) -> None:
        """Update the parameters.

        gradient         (R, P); rows with a norm above ``clip_norm`` are scaled down to it, unless that is 0
        learning_rate    (R,)
        """
        if clip_norm:
            norm = torch.linalg.vector_norm(gradient, dim=1, keepdim=True)
            gradient = gradient * (clip_norm / (norm + 1e-6)).clamp(max=1)
        adam(
            [self._change.zero_()], [gradient], [self.mean], [self.square], [], [self._steps],
            fused=True, amsgrad=False, beta1=BETA_1, beta2=BETA_2, lr=1.0, weight_decay=0.0, eps=EPS, maximize=False,
        )  # fmt: skip
        self.theta.addcmul_(self._change, learning_rate.unsqueeze(1).to(self.theta.dtype))

    def keep(self, rows: Tensor) -> None:
        """Keep these replicas only."""
        self.theta, self.mean, self.square = self.theta[rows], self.mean[rows], self.square[rows]
        self._change = torch.empty_like(self.theta)
