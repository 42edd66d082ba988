"""A group of parameters of R replicas as the rows of one matrix, with its optimiser."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from rethinkpool_core.training.optimiser import ReplicaAdam


class ParameterGroup:
    """The parameters that move together (`PoolingModel.parameter_group`): a matrix ``adam.theta`` (R, P), a row per replica.

    leaves    every parameter by name, stacked for R replicas: a view of its columns, so that a step of the optimiser changes it
    """

    def __init__(self, models: list[nn.Module], names: list[str], device: torch.device):
        parameters = [dict(model.named_parameters()) for model in models]
        self.shapes = {name: parameters[0][name].shape for name in names}
        rows = [torch.cat([own[name].detach().reshape(-1) for name in names]) for own in parameters]
        self.adam = ReplicaAdam(torch.stack(rows).to(device))
        self._make_leaves()

    def _make_leaves(self) -> None:
        parts = self.adam.theta.split(self._sizes, dim=1)
        self.leaves = {
            name: nn.Parameter(part.view(-1, *shape))
            for (name, shape), part in zip(self.shapes.items(), parts, strict=True)
        }

    @property
    def _sizes(self) -> list[int]:
        return [math.prod(shape) for shape in self.shapes.values()]

    def gradient(self, grads: Iterable[Tensor]) -> Tensor:
        """Return the gradients of the leaves as a matrix (R, P)."""
        return torch.cat([grad.reshape(len(self.adam.theta), -1) for grad in grads], 1)

    def weights(self, row: int) -> dict[str, Tensor]:
        """Return copies of the parameters of one replica, on the CPU."""
        parts = self.adam.theta[row].cpu().split(self._sizes)
        return {
            name: part.view(shape).clone()
            for (name, shape), part in zip(self.shapes.items(), parts, strict=True)
        }

    def state(self, row: int) -> dict[str, Tensor]:
        """Return what training has changed for one replica."""
        adam = self.adam
        rows = {"theta": adam.theta[row], "mean": adam.mean[row], "square": adam.square[row]}
        return rows | {"steps": torch.tensor(adam.steps)}

    def load(self, states: list[dict[str, Tensor]]) -> None:
        """Inverse of `state` for all replicas, which have taken equally many steps."""
        for name in ("theta", "mean", "square"):
            getattr(self.adam, name).copy_(torch.stack([state[name] for state in states]))
        self.adam.steps = int(states[0]["steps"])

    def keep(self, rows: Tensor) -> None:
        """Keep these replicas only."""
        self.adam.keep(rows)
        self._make_leaves()
