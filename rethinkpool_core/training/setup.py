"""The setup of a training: model, dataset, configuration and device, and what follows from them for all seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import torch

from rethinkpool_core.batching.batch import BatchBuilder
from rethinkpool_core.batching.shapes import GrowingShapes
from rethinkpool_core.datasets.dataset import GraphDataset
from rethinkpool_core.graphs.coarsening import Coarsening
from rethinkpool_core.models.base import PoolingModel
from rethinkpool_core.training.config import TrainingConfig
from rethinkpool_core.training.cuda_graphs import Recorder, recorder_for
from rethinkpool_core.training.precompute import precompute_fixed_pooling
from rethinkpool_core.training.replicas import Replicas

NODES_PER_STEP = 10_000
"""Nodes in the batches of all replicas together that keep a CPU core busy."""


class TrainingSetup:
    """What is common to all seeds of one call of `train`.

    recorder    makes the recorder of training steps; by default that of `recorder_for`
    """

    def __init__(
        self,
        model: PoolingModel,
        dataset: GraphDataset,
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
        self,
        seeds: list[int],
        *,
        started: int | None = None,
        stop_requested: Callable[[], bool] = lambda: False,
    ) -> Replicas:
        """Return a new replica of each seed, with the terms of fixed assignments (`precompute_fixed_pooling`).

        started    number of seeds that were started together, finished ones included
        """
        replicas = Replicas(self.model, seeds, self.device, self.recorder)
        replicas.precomputed = precompute_fixed_pooling(
            self.model, seeds, self.builder, self.eval_batch_size(1), started=started, stopped=stop_requested
        )
        return replicas

    def coarsening(self, replicas: Replicas, *, evaluation: bool = False) -> Coarsening | None:
        """Return how graphs of the replicas are coarsened, None if they are not; in evaluation each graph is coarsened once."""
        coarsening = self.model.coarsening(replicas.buffers["seed"])
        if coarsening is None or not evaluation:
            return coarsening
        if self._evaluation[0] != replicas.seeds:
            self._evaluation = (replicas.seeds, replace(coarsening, cache={}))
        return self._evaluation[1]

    def seeds_at_once(self, seeds: int) -> int:
        """Return how many of ``seeds`` seeds to train side by side.

        On a CPU so many that the fixed cost of an operation is small beside its work; more would only take memory.
        """
        if self.config.replicas or self.device.type != "cpu":
            return self.config.replicas or seeds
        return max(1, int(NODES_PER_STEP // (self.config.batch_size * self.mean_nodes)))

    def eval_batch_size(self, replicas: int) -> int:
        """Return the number of graphs per batch of each of so many replicas in evaluation."""
        nodes = NODES_PER_STEP * (3 if self.device.type == "cpu" else 30)
        fitting = int(nodes // (self.mean_nodes * replicas))
        return self.config.eval_batch_size or min(
            512, max(16, min(fitting, 2**24 // self.dataset.max_nodes**2))
        )
