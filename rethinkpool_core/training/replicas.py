"""R seeds of one model, side by side.

Every weight of every replica is a row of one matrix: the optimiser and the choice of the replicas that go on are operations
on rows. One call of the model, with the stacked weights, is a step of all replicas (see `ops.affine`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from rethinkpool_core.batching.batch import Batch
from rethinkpool_core.engine.precomputed import with_precomputed
from rethinkpool_core.models.base import PoolingModel
from rethinkpool_core.models.build import replica
from rethinkpool_core.models.update import Update
from rethinkpool_core.training.cuda_graphs import RecordedSteps, Recorder, Result
from rethinkpool_core.training.metrics import supervised_loss
from rethinkpool_core.training.optimiser import ReplicaAdam


class Group:
    """Some of the parameters of all replicas: a matrix (R, P), its optimiser, and its parts as leaves of the graph."""

    def __init__(self, shapes: dict[str, torch.Size], theta: Tensor):
        self.shapes, self.adam = shapes, ReplicaAdam(theta)
        self.rebuild()

    def rebuild(self) -> None:
        """Leaves share memory with the matrix, so that an update of the matrix is one of the leaves."""
        R = self.adam.theta.shape[0]
        parts = self.adam.theta.split([math.prod(shape) for shape in self.shapes.values()], dim=1)
        self.leaves = {
            name: nn.Parameter(part.view(R, *shape))
            for (name, shape), part in zip(self.shapes.items(), parts, strict=True)
        }

    def gradient(self, grads: Iterable[Tensor]) -> Tensor:
        """Gradients of the leaves as a matrix (R, P)."""
        R = self.adam.theta.shape[0]
        return torch.cat([grad.reshape(R, -1) for grad in grads], 1)


class Replicas:
    """The state of R replicas: parameters and optimisers by group (`PoolingModel.parameter_group`), and buffers.

    ``recorder`` makes what records their steps, if anything does.
    """

    def __init__(
        self,
        model: PoolingModel,
        seeds: list[int],
        device: torch.device,
        recorder: Callable[[], Recorder] | None = None,
    ):
        self.seeds = list(seeds)
        self.template = replica(model, seeds[0]).to(device)
        models = [replica(model, seed) for seed in seeds]
        parameters = [dict(one.named_parameters()) for one in models]
        names: dict[str, list[str]] = {}
        for name in parameters[0]:
            names.setdefault(model.parameter_group(name), []).append(name)
        self.groups: dict[str, Group] = {}
        for group, own in names.items():
            rows = [torch.cat([of[name].detach().reshape(-1) for name in own]) for of in parameters]
            shapes = {name: parameters[0][name].shape for name in own}
            self.groups[group] = Group(shapes, torch.stack(rows).to(device))
        states = [dict(m.named_buffers()) for m in models]
        self.buffers = {name: torch.stack([state[name] for state in states]).to(device) for name in states[0]}
        self.precomputed: dict[str, Tensor] = {}  # see `precompute_fixed_pooling`
        # What training changes; the others (random assignments) follow from the seed.
        self.running = {
            f"{name}.{buffer}"
            for name, module in self.template.named_modules()
            if isinstance(module, nn.BatchNorm1d)
            for buffer, _ in module.named_buffers(recurse=False)
        }
        self._recorder = recorder
        self._begin()

    def _begin(self) -> None:
        """Put the state into the model, which is one of all replicas then; nothing is recorded yet."""
        modules = dict(self.template.named_modules())
        leaves = {name: leaf for group in self.groups.values() for name, leaf in group.leaves.items()}
        for name, value in (leaves | self.buffers).items():
            module, _, own = name.rpartition(".")
            setattr(modules[module], own, value)
        changed = [self.buffers[name] for name in sorted(self.running)]
        self.recordings = None if self._recorder is None else RecordedSteps(self._recorder(), changed)

    def __len__(self) -> int:
        return len(self.seeds)

    def call(self, batch: Batch, *, training: bool, auxiliary: bool) -> tuple[Tensor, dict[str, Tensor]]:
        """Logits (R, B, C) of a batch of R replicas, and the auxiliary losses, if wanted, (R,) each."""
        if self.template.training is not training:
            self.template.train(training)
        logits, losses = self.template(with_precomputed(batch, self.precomputed), auxiliary=auxiliary)
        return logits.view(len(self), -1, logits.shape[-1]), losses

    def losses(self, batch: Batch, kind: str, auxiliary: bool = True) -> dict[str, Tensor]:
        """The supervised loss, "train_loss", and the auxiliary ones, if wanted, (R,) each, in training mode."""
        logits, losses = self.call(batch, training=True, auxiliary=auxiliary)
        return {"train_loss": supervised_loss(kind, logits, batch.y.view(len(self), -1)), **losses}

    def gradient(self, group: str, loss: Tensor) -> Tensor:
        """Of losses (R,) for the group's parameters, (R, P): replicas do not meet, so the sum's gradient is all of theirs."""
        leaves = list(self.groups[group].leaves.values())
        grads = torch.autograd.grad(loss.sum(), leaves, materialize_grads=True, allow_unused=True)
        return self.groups[group].gradient(grads)

    def step(self, batch: Batch, kind: str, update: Update) -> Result:
        """All `losses` that ``update`` computes, and the gradient of what it minimises for its group's parameters.

        Good until the next step, which may write where these are.
        """

        def compute(batch: Batch) -> Result:
            losses = self.losses(batch, kind, update.auxiliary)
            loss = sum(losses.values()) if update.loss is None else losses[update.loss]
            return {name: loss.detach() for name, loss in losses.items()}, self.gradient(update.group, loss)

        if self.recordings is None:
            return compute(batch)
        return self.recordings((kind, update), compute, batch)

    def state(self, row: int) -> dict[str, Tensor]:
        """What training has changed of one replica: parameters, optimiser, running statistics; copies on the CPU."""
        tensors = {f"buffers/{name}": self.buffers[name][row] for name in self.running}
        for name, group in self.groups.items():
            adam = group.adam
            tensors |= {
                f"{name}/theta": adam.theta[row],
                f"{name}/mean": adam.mean[row],
                f"{name}/square": adam.square[row],
            }
            tensors[f"{name}/steps"] = torch.tensor(adam.steps)
        return {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}

    def load(self, states: list[dict[str, Tensor]]) -> None:
        """Inverse of `state` for all replicas, which must have taken the same number of steps."""
        for name in self.running:
            self.buffers[name].copy_(torch.stack([state[f"buffers/{name}"] for state in states]))
        for name, group in self.groups.items():
            for part in ("theta", "mean", "square"):
                getattr(group.adam, part).copy_(torch.stack([state[f"{name}/{part}"] for state in states]))
            group.adam.steps = int(states[0][f"{name}/steps"])

    def weights(self, row: int) -> dict[str, Tensor]:
        """The state dict of one replica as a model of its own, copied to the CPU."""
        named = {name: buffer[row] for name, buffer in self.buffers.items()}
        for group in self.groups.values():
            parts = group.adam.theta[row].cpu().split([math.prod(shape) for shape in group.shapes.values()])
            named |= {
                name: part.view(shape)
                for (name, shape), part in zip(group.shapes.items(), parts, strict=True)
            }
        return {name: tensor.cpu().clone() for name, tensor in named.items()}

    def keep(self, rows: list[int]) -> None:
        """Only these replicas from now on."""
        index = torch.tensor(rows, dtype=torch.int64, device=next(iter(self.buffers.values())).device)
        self.seeds = [self.seeds[row] for row in rows]
        self.buffers = {name: buffer[index] for name, buffer in self.buffers.items()}
        self.precomputed = {name: value[index] for name, value in self.precomputed.items()}
        for group in self.groups.values():
            group.adam.keep(index)
            group.rebuild()
        self._begin()  # their tensors are others now
