"""One epoch of training: a pass over the training graphs of all replicas, with the update that the model declares."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor

from rethinkpool_core.graphs.hashing import seed_of
from rethinkpool_core.training.replicas import Replicas
from rethinkpool_core.training.setup import TrainingSetup
from rethinkpool_core.training.state import TrainState


def train_epoch(
    setup: TrainingSetup,
    replicas: Replicas,
    states: dict[int, TrainState],
    stop_requested: Callable[[], bool],
) -> bool:
    """Train the rest of the current epoch, and return whether it was finished.

    ``stop_requested`` is asked after every step. If training stops there, the next call continues with the next step; only a
    full-batch epoch, which is a single step, starts over.
    """
    start = time.perf_counter()
    current = [states[seed] for seed in replicas.seeds]
    epoch = current[0].epoch + 1
    update, config = setup.model.update(epoch), setup.config
    adam = replicas.groups[update.group].adam
    order = torch.stack([shuffled(setup.split(seed).train, seed, epoch) for seed in replicas.seeds])  # (R, G)
    num_graphs = order.shape[1]
    num_batches = math.ceil(num_graphs / config.batch_size)
    rates = [state.schedule.learning_rate for state in current]
    rates = torch.tensor(rates, device=setup.device, dtype=setup.builder.dtype)
    first = 0 if update.full_batch else current[0].step
    before = replicas.running_statistics() if update.full_batch else {}
    sums, gradient, finished = _LossSums(current, setup.device), 0.0, True
    batches = setup.builder.batches(
        order[:, first * config.batch_size :],
        config.batch_size,
        rng_key=epoch,
        coarsening=setup.coarsening(replicas),
        shapes=setup.shapes,
    )
    for step, batch in enumerate(batches, start=first + 1):
        size = batch.num_graphs // len(replicas)  # the last batch may be smaller
        losses, of_batch = replicas.step(batch, setup.dataset.spec.loss, update, config.auxiliary_weight)
        sums.add(losses, size)
        if update.full_batch:
            gradient = gradient + size / num_graphs * of_batch
        else:
            adam.step(of_batch, rates, config.clip_norm)
        if stop_requested() and step < num_batches:
            finished = False
            break
    if update.full_batch and finished:
        adam.step(gradient, rates, config.clip_norm)
    elif update.full_batch:
        replicas.restore(before)
        return False
    sums.write_to(current)
    for state in current:
        state.seconds += (time.perf_counter() - start) / len(current)
        state.step = step
        if finished:
            state.finish_epoch(num_graphs)
    return finished


class _LossSums:
    """The losses of the current epoch, summed over its graphs, per replica; they stay on the device until the end."""

    def __init__(self, states: list[TrainState], device: torch.device):
        # In float64 an interruption does not change the sums; MPS has no float64.
        self.dtype = torch.float32 if device.type == "mps" else torch.float64
        self.sums = {
            name: torch.tensor([state.loss_sums[name] for state in states], dtype=self.dtype, device=device)
            for name in states[0].loss_sums
        }

    def add(self, losses: dict[str, Tensor], num_graphs: int) -> None:
        for name, loss in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + loss.to(self.dtype) * num_graphs

    def write_to(self, states: list[TrainState]) -> None:
        for name, values in zip(self.sums, torch.stack(list(self.sums.values())).tolist(), strict=True):
            for state, value in zip(states, values, strict=True):
                state.loss_sums[name] = value


def shuffled(index: Tensor, seed: int, epoch: int) -> Tensor:
    """Return ``index`` in the order of an epoch, a function of seed and epoch, so that resuming needs no random state."""
    generator = torch.Generator().manual_seed(seed_of(seed, epoch))
    return index[torch.randperm(len(index), generator=generator)]
