"""The two implementations that the benchmark compares, behind one interface: this package and the baseline in plain PyG."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from functools import partial
from math import ceil

import torch

from rethinkpool_core.bench.clock import Seconds, measured
from rethinkpool_core.datasets.dataset import GraphDataset
from rethinkpool_core.models.base import PoolingModel
from rethinkpool_core.models.build import build_model
from rethinkpool_core.models.update import Update
from rethinkpool_core.reference.build import OVERRIDES, reference_model
from rethinkpool_core.training.config import training_config
from rethinkpool_core.training.epoch import train_epoch
from rethinkpool_core.training.evaluation import evaluate
from rethinkpool_core.training.memory import configure_malloc
from rethinkpool_core.training.schedule import Schedule
from rethinkpool_core.training.setup import TrainingSetup
from rethinkpool_core.training.state import TrainState

# The fastest of 32 to 512 for the reference models on NCI1's validation graphs.
BASELINE_EVAL_BATCH = 128
EPOCHS = 1000  # of the protocol, at most


def model_for(name: str, dataset: GraphDataset, seed: int = 1):
    return build_model(name, dataset, seed=seed, **OVERRIDES.get(name, {}))


def updates_of(model: PoolingModel) -> dict[Update, float]:
    """Return the updates that ``model`` makes and the share of the epochs that make each, the most frequent first."""
    counts = Counter(model.update(epoch) for epoch in range(1, EPOCHS + 1))
    return {update: count / EPOCHS for update, count in counts.most_common()}


class Implementation(ABC):
    """A model with its data, ready to train. One call of `train` is an epoch of every seed.

    seeds        seeds of the runs
    batch_size   graphs per step, 0 for the paper's
    """

    def __init__(
        self, name: str, dataset: GraphDataset, device: torch.device, seeds: Sequence[int], batch_size: int
    ):
        self.device, self.seeds = device, list(seeds)
        self.config = training_config(
            name, dataset.name, **({"batch_size": batch_size} if batch_size else {})
        )
        self.model = model_for(name, dataset, self.seeds[0])
        self.steps = ceil(len(dataset.with_split(self.seeds[0]).train) / self.config.batch_size)
        self.updates = updates_of(self.model)

    @abstractmethod
    def train(self, update: Update | None = None) -> None:
        """Train for one epoch that makes this update, by default the one that most epochs make."""

    @abstractmethod
    def validate(self) -> None:
        """Compute the scores on the validation set."""

    def warm_up(self) -> None:
        """Train and validate once, which computes what is computed once per training."""
        self.epoch_seconds()

    def epoch_seconds(self) -> Seconds:
        """Return the time of an average epoch with its validation, per seed."""
        total = Seconds()
        for update, share in self.updates.items():
            total += measured(partial(self.train, update), self.device) * share
        return (total + measured(self.validate, self.device)) * (1 / len(self.seeds))

    def timed_epoch(self) -> dict[str, Seconds]:
        """Return `epoch_seconds` under "epoch"."""
        return {"epoch": self.epoch_seconds()}


class Ours(Implementation):
    """This package with stacked seeds, at most as many as `rethinkpool_core.training.train` stacks."""

    def __init__(
        self,
        name: str,
        dataset: GraphDataset,
        device: torch.device,
        seeds: Sequence[int],
        batch_size: int = 0,
    ):
        super().__init__(name, dataset, device, seeds, batch_size)
        self.setup = TrainingSetup(self.model, dataset, self.config, device)
        self.seeds = self.seeds[: self.setup.seeds_at_once(len(self.seeds))]
        self.replicas = self.setup.replicas(self.seeds)
        # No score is better than infinity, so validation is all that follows an epoch, as after most epochs of a training.
        self.states = {
            seed: TrainState(Schedule(self.config.learning_rate, best=float("inf"))) for seed in self.seeds
        }
        self.number = 0

    def warm_up(self) -> None:
        configure_malloc()  # as `train` does
        super().warm_up()

    def train(self, update: Update | None = None) -> None:
        update = update or next(iter(self.updates))
        self.number += 1
        while self.model.update(self.number) != update:
            self.number += 1
        for state in self.states.values():
            state.epoch, state.step, state.loss_sums = self.number - 1, 0, {}
        train_epoch(self.setup, self.replicas, self.states, lambda: False)

    def validate(self) -> None:
        evaluate(self.setup, self.replicas, self.states)


class Baseline(Implementation):
    """The reference model in plain PyG, with the first of the seeds.

    ``matching`` sums up the time spent on matchings; None for a model without them.
    """

    def __init__(
        self,
        name: str,
        dataset: GraphDataset,
        device: torch.device,
        seeds: Sequence[int] = (1,),
        batch_size: int = 0,
    ):
        from rethinkpool_core.reference.graphs import graph_list, loader
        from rethinkpool_core.reference.training import Trainer

        super().__init__(name, dataset, device, seeds[:1], batch_size)
        (seed,) = self.seeds
        torch.manual_seed(seed)
        self.trainer = Trainer(
            reference_model(self.model).to(device),
            kind=dataset.spec.loss,
            learning_rate=self.config.learning_rate,
            clip_norm=self.config.clip_norm,
        )
        split = dataset.with_split(seed)
        graphs = graph_list(dataset)
        self.training = loader(graphs, split.train, self.config.batch_size, device, shuffle=True)
        self.validation = loader(graphs, split.val, BASELINE_EVAL_BATCH, device)
        self.graphs = len(split.train)
        self.matching: Seconds | None = None
        if hasattr(self.trainer.model, "matching"):
            self._time_matchings(self.trainer.model)

    def _time_matchings(self, model) -> None:
        self.matching, matching = Seconds(), model.matching

        def timed(data):
            found = []
            self.matching += measured(lambda: found.append(matching(data)), self.device)
            return found[0]

        model.matching = timed

    def timed_epoch(self) -> dict[str, Seconds]:
        """Return `epoch_seconds` under "epoch", and the time of its matchings under "matching" if the model has them."""
        if self.matching is None:
            return super().timed_epoch()
        self.matching = Seconds()
        return super().timed_epoch() | {"matching": self.matching}

    def train(self, update: Update | None = None) -> None:
        if update is not None and update.full_batch:
            self.trainer.train_keys(self.training, self.graphs)
        else:
            self.trainer.train_epoch(self.training)

    def validate(self) -> None:
        self.trainer.evaluate(self.validation)
