"""Replicas: R seeds of one model that train side by side.

The parameters of each replica are a row of a matrix, so that a step of the optimiser, and dropping a replica that has finished,
are operations on rows. One call of the model with stacked parameters computes all replicas (see `engine.affine`).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from rethinkpool_core.batching.batch import Batch
from rethinkpool_core.engine.precomputed import with_precomputed
from rethinkpool_core.models.base import PoolingModel
from rethinkpool_core.models.build import replica
from rethinkpool_core.models.trace import Trace, no_trace
from rethinkpool_core.models.update import Update
from rethinkpool_core.training.cuda_graphs import RecordedSteps, Recorder, StepResult
from rethinkpool_core.training.metrics import supervised_loss
from rethinkpool_core.training.parameters import ParameterGroup


class Replicas:
    """Parameters and optimisers of R replicas, by parameter group, and their buffers, stacked.

    recorder       makes what records their training steps; None for steps that are not recorded
    precomputed    terms of fixed assignments (`precompute_fixed_pooling`)
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
        names: dict[str, list[str]] = {}
        for name, _ in model.named_parameters():
            names.setdefault(model.parameter_group(name), []).append(name)
        self.groups = {group: ParameterGroup(models, own, device) for group, own in names.items()}
        buffers = [dict(one.named_buffers()) for one in models]
        self.buffers = {name: torch.stack([own[name] for own in buffers]).to(device) for name in buffers[0]}
        self.precomputed: dict[str, Tensor] = {}
        # The buffers that training changes; the others, such as random assignments, follow from the seed.
        self._running = sorted(
            f"{name}.{buffer}"
            for name, module in self.template.named_modules()
            if isinstance(module, nn.BatchNorm1d)
            for buffer, _ in module.named_buffers(recurse=False)
        )
        self._recorder = recorder
        self._install()

    def _install(self) -> None:
        """Put the stacked parameters and buffers into the template; recorded steps are of other tensors and are dropped."""
        modules = dict(self.template.named_modules())
        leaves = {name: leaf for group in self.groups.values() for name, leaf in group.leaves.items()}
        for name, value in (leaves | self.buffers).items():
            module, _, own = name.rpartition(".")
            setattr(modules[module], own, value)
        changed = [self.buffers[name] for name in self._running]
        self.recorded = None if self._recorder is None else RecordedSteps(self._recorder(), changed)

    def __len__(self) -> int:
        return len(self.seeds)

    def call(
        self, batch: Batch, *, training: bool, auxiliary: bool, trace: Trace = no_trace
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return logits (R, B, C) of a batch of R replicas and, if ``auxiliary``, the auxiliary losses by name, (R,) each.

        trace    is shown the main layers, of all replicas
        """
        if self.template.training is not training:
            self.template.train(training)
        logits, losses = self.template(with_precomputed(batch, self.precomputed), trace, auxiliary)
        return logits.view(len(self), -1, logits.shape[-1]), losses

    def losses(self, batch: Batch, kind: str, auxiliary: bool = True) -> dict[str, Tensor]:
        """Return the supervised loss, "train_loss", and the auxiliary losses, (R,) each, in training mode.

        kind    of the supervised loss, see `supervised_loss`
        """
        logits, losses = self.call(batch, training=True, auxiliary=auxiliary)
        return {"train_loss": supervised_loss(kind, logits, batch.y.view(len(self), -1)), **losses}

    def gradient(self, group: str, loss: Tensor) -> Tensor:
        """Return the gradients (R, P) of the losses (R,) for the parameters of a group."""
        leaves = list(self.groups[group].leaves.values())
        # Each loss depends on its own replica alone, so the gradient of their sum has theirs in its rows.
        grads = torch.autograd.grad(loss.sum(), leaves, materialize_grads=True, allow_unused=True)
        return self.groups[group].gradient(grads)

    def step(self, batch: Batch, kind: str, update: Update, auxiliary_weight: float = 1.0) -> StepResult:
        """Return all losses that ``update`` computes, and the gradient (R, P) of what it minimises for its parameter group.

        auxiliary_weight    factor of the auxiliary losses in their sum with the supervised one

        The tensors are valid until the next step, which may overwrite them.
        """

        def compute(batch: Batch) -> StepResult:
            losses = self.losses(batch, kind, update.auxiliary)
            if update.loss is None:
                loss = sum(
                    one if name == "train_loss" else auxiliary_weight * one for name, one in losses.items()
                )
            else:
                loss = losses[update.loss]
            return {name: one.detach() for name, one in losses.items()}, self.gradient(update.group, loss)

        key = (kind, update, auxiliary_weight)
        return compute(batch) if self.recorded is None else self.recorded(key, compute, batch)

    def running_statistics(self) -> dict[str, Tensor]:
        """Return copies of the buffers that training changes."""
        return {name: self.buffers[name].clone() for name in self._running}

    def restore(self, statistics: dict[str, Tensor]) -> None:
        """Inverse of `running_statistics`."""
        for name, values in statistics.items():
            self.buffers[name].copy_(values)

    def state(self, row: int) -> dict[str, Tensor]:
        """Return what training has changed for one replica: parameters, optimisers, running statistics; copies on the CPU."""
        tensors = {f"buffers/{name}": self.buffers[name][row] for name in self._running}
        for group, parameters in self.groups.items():
            tensors |= {f"groups/{group}/{name}": tensor for name, tensor in parameters.state(row).items()}
        return {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}

    def load(self, states: list[dict[str, Tensor]]) -> None:
        """Inverse of `state` for all replicas, which have taken equally many steps."""

        def below(prefix: str) -> list[dict[str, Tensor]]:
            return [
                {
                    name.removeprefix(prefix): tensor
                    for name, tensor in state.items()
                    if name.startswith(prefix)
                }
                for state in states
            ]

        buffers = below("buffers/")
        self.restore({name: torch.stack([own[name] for own in buffers]) for name in self._running})
        for group, parameters in self.groups.items():
            parameters.load(below(f"groups/{group}/"))

    def weights(self, row: int) -> dict[str, Tensor]:
        """Return the state dict of one replica as a model of its own; copies on the CPU."""
        weights = {name: buffer[row].cpu().clone() for name, buffer in self.buffers.items()}
        for parameters in self.groups.values():
            weights |= parameters.weights(row)
        return weights

    def keep(self, rows: list[int]) -> None:
        """Keep these replicas only."""
        index = torch.tensor(rows, dtype=torch.int64, device=self.buffers["seed"].device)
        self.seeds = [self.seeds[row] for row in rows]
        self.buffers = {name: buffer[index] for name, buffer in self.buffers.items()}
        self.precomputed = {name: values[index] for name, values in self.precomputed.items()}
        for parameters in self.groups.values():
            parameters.keep(index)
        self._install()
