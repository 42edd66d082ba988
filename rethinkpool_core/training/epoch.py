"""One epoch of the protocol: a pass over the training graphs, then the scores."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import torch
from torch import Tensor

from rethinkpool_core.batching.batch import BatchBuilder
from rethinkpool_core.batching.shapes import GrowingShapes
from rethinkpool_core.graphs.coarsening import Coarsening
from rethinkpool_core.graphs.hashing import seed_of
from rethinkpool_core.models.base import PoolingModel
from rethinkpool_core.training.config import TrainingConfig
from rethinkpool_core.training.cuda_graphs import Recorder, recorder_for
from rethinkpool_core.training.metrics import HIGHER_IS_BETTER, score, supervised_loss
from rethinkpool_core.training.precompute import precompute_fixed_pooling
from rethinkpool_core.training.replicas import Replicas
from rethinkpool_core.training.state import TrainState

ROWS_AT_ONCE = 10_000  # nodes of a step's graphs, of all seeds together, that keep a CPU core busy


class Task:
    """What is trained on what, and how: common to all seeds of a call.

    recorder    makes what records steps, where another than `recorder_for` is to
    """

    def __init__(
        self,
        model: PoolingModel,
        dataset,
        config: TrainingConfig,
        device: torch.device,
        recorder: Callable[[], Recorder] | None = None,
    ):
        self.model, self.dataset, self.config, self.device = model, dataset, config, device
        self.builder = BatchBuilder(dataset, device, next(model.parameters()).dtype)
        self.recorder = recorder or recorder_for(config, device)
        self.shapes = None if self.recorder is None else GrowingShapes()
        self.split = cache(dataset.with_split)
        self._evaluation: tuple[list[int], Coarsening | None] = ([], None)
        self.mean_nodes = dataset.store.x.shape[0] / dataset.store.num_graphs

    def replicas(
        self, seeds: list[int], *, started: int | None = None, stopped: Callable[[], bool] = lambda: False
    ) -> Replicas:
        """A fresh one for each seed, with the precomputed terms of its graphs."""
        replicas = Replicas(self.model, seeds, self.device, self.recorder)
        replicas.precomputed = precompute_fixed_pooling(
            self.model, seeds, self.builder, self.eval_batch_size(1), started=started, stopped=stopped
        )
        return replicas

    def coarsening(self, replicas: Replicas, *, evaluation: bool = False) -> Coarsening | None:
        """How the replicas' graphs become coarse. In evaluation, which draws nothing anew, the coarse graphs are kept."""
        coarsening = self.model.coarsening(replicas.buffers["seed"])
        if coarsening is None or not evaluation:
            return coarsening
        if self._evaluation[0] != replicas.seeds:
            self._evaluation = (replicas.seeds, replace(coarsening, kept={}))
        return self._evaluation[1]

    def side_by_side(self, seeds: int) -> int:
        """How many of so many seeds to train at once.

        On a CPU, as many as hide what an operation costs whatever its size; more only cost memory.
        """
        if self.config.replicas or self.device.type != "cpu":
            return self.config.replicas or seeds
        return max(1, int(ROWS_AT_ONCE // (self.config.batch_size * self.mean_nodes)))

    def eval_batch_size(self, replicas: int) -> int:
        """Graphs of each replica at once in evaluation."""
        at_once = ROWS_AT_ONCE * (3 if self.device.type == "cpu" else 30)
        rows = int(at_once // (self.mean_nodes * replicas))
        return self.config.eval_batch_size or min(512, max(16, min(rows, 2**24 // self.dataset.max_nodes**2)))


def train_epoch(
    task: Task, replicas: Replicas, states: dict[int, TrainState], stopped: Callable[[], bool]
) -> bool:
    """The rest of one epoch; False if a stop was asked for, after the step under way."""
    here = [states[seed] for seed in replicas.seeds]
    number = here[0].epoch + 1
    start = time.perf_counter()
    update = task.model.update(number)
    order = torch.stack([shuffled(task.split(seed).train, seed, number) for seed in replicas.seeds])
    size = task.config.batch_size
    steps = math.ceil(order.shape[1] / size)
    rates = torch.tensor(
        [state.schedule.learning_rate for state in here], device=task.device, dtype=task.builder.dtype
    )
    # A full-batch epoch is one step; interrupted, it starts over as if it had not begun.
    first = 0 if update.full_batch else here[0].step
    running = {name: replicas.buffers[name].clone() for name in replicas.running} if update.full_batch else {}
    # Added up in one order, wherever an interruption falls; MPS knows no float64.
    wide = torch.float32 if task.device.type == "mps" else torch.float64
    total = {
        name: torch.tensor([state.loss_sums[name] for state in here], dtype=wide, device=task.device)
        for name in here[0].loss_sums
    }
    gradient = 0.0
    finished = True
    adam = replicas.groups[update.group].adam
    coarsening = task.coarsening(replicas)
    batches = task.builder.batches(
        order[:, first * size :], size, rng_key=number, coarsening=coarsening, shapes=task.shapes
    )
    for step, batch in enumerate(batches, start=first):
        graphs = batch.num_graphs // len(replicas)  # the last batch may be smaller
        losses, of_batch = replicas.step(batch, task.dataset.spec.loss, update)
        if update.full_batch:
            gradient = gradient + graphs / order.shape[1] * of_batch
        else:
            adam.step(of_batch, rates, task.config.clip_norm)
        for name, loss in losses.items():
            total[name] = total.get(name, 0.0) + loss.to(wide) * graphs
        if stopped() and step + 1 < steps:
            finished = False
            break
    if update.full_batch and finished:
        adam.step(gradient, rates, task.config.clip_norm)
    if update.full_batch and not finished:
        for name, before in running.items():
            replicas.buffers[name].copy_(before)
        return False
    for name, values in zip(total, torch.stack(list(total.values())).tolist(), strict=True):
        for state, value in zip(here, values, strict=True):
            state.loss_sums[name] = value
    for state in here:
        state.seconds += (time.perf_counter() - start) / len(here)
        state.step = 0 if finished else step + 1
    if finished:
        for state in here:
            state.epoch = number
            means = {name: value / order.shape[1] for name, value in state.loss_sums.items()}
            state.append(means | {"lr": state.schedule.learning_rate, "train_seconds": state.seconds})
            state.check_finite(means)
            state.loss_sums, state.seconds = {}, 0.0
    return finished


def shuffled(index: Tensor, seed: int, epoch: int) -> Tensor:
    """The order of the training graphs in one epoch: a function of (seed, epoch), so a restart needs no generator's state."""
    generator = torch.Generator().manual_seed(seed_of(seed, epoch))
    return index[torch.randperm(len(index), generator=generator)]


@torch.no_grad()
def evaluate(task: Task, replicas: Replicas, states: dict[int, TrainState]) -> None:
    """Scores after an epoch; the test set only where validation has become better."""
    sign = 1 if HIGHER_IS_BETTER[task.dataset.spec.metric] else -1
    validation = scores(task, replicas, [task.split(seed).val for seed in replicas.seeds])
    better = []
    for row, (seed, (loss, value)) in enumerate(zip(replicas.seeds, validation, strict=True)):
        state = states[seed]
        found = {"val_loss": loss, "val_score": value}
        state.append(found)
        state.fill_gaps()
        state.check_finite(found)
        if state.error is None and state.schedule.update(state.epoch, sign * value, task.config):
            state.val_score = value
            state.best_weights = replicas.weights(row)
            better.append(row)
    if better:
        test = scores(task, replicas, [task.split(seed).test for seed in replicas.seeds])
        for row in better:
            states[replicas.seeds[row]].test_score = test[row][1]


def scores(task: Task, replicas: Replicas, parts: list[Tensor]) -> list[tuple[float, float]]:
    """(loss, score) of each replica on its own part of the data."""
    # Graphs of like size share a batch: less padding, same result.
    sizes = task.dataset.store.num_nodes
    order = torch.stack([part[sizes[part].argsort(stable=True)] for part in parts])
    logits, targets = [], []
    coarsening = task.coarsening(replicas, evaluation=True)
    for batch in task.builder.batches(order, task.eval_batch_size(len(replicas)), coarsening=coarsening):
        logits.append(replicas.call(batch, training=False, auxiliary=False)[0])
        targets.append(batch.y.view(len(replicas), -1))
    logits, targets = torch.cat(logits, 1).cpu(), torch.cat(targets, 1).cpu()  # of all replicas at once
    losses = supervised_loss(task.dataset.spec.loss, logits, targets).tolist()
    return [
        (loss, score(task.dataset.spec.metric, a, b))
        for loss, a, b in zip(losses, logits.unbind(), targets.unbind(), strict=True)
    ]
