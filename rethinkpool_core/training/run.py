"""One call of `train`: groups of replicas, each trained epoch by epoch until the last of its seeds has finished."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

from rethinkpool_core.models.registry import user_module
from rethinkpool_core.training.checkpoint import CheckpointFolder, config_hash
from rethinkpool_core.training.config import run_config
from rethinkpool_core.training.epoch import Task, evaluate, train_epoch
from rethinkpool_core.training.provenance import provenance
from rethinkpool_core.training.record import RunRecord
from rethinkpool_core.training.report import EpochReport, OnEpoch, epoch_report
from rethinkpool_core.training.schedule import Schedule
from rethinkpool_core.training.state import ReplicaGroup, TrainState, replica_groups


class TrainingRun:
    """One call of `train`. ``stopped`` tells whether ``on_epoch`` has ended it."""

    def __init__(self, task: Task, max_epochs: int, folder: Path | None, on_epoch: OnEpoch | None):
        self.task, self.max_epochs, self.on_epoch = task, max_epochs, on_epoch
        self.stopped = False
        model, dataset = task.model, task.dataset
        self.config = run_config(model.config, task.config, max_epochs) | {"max_nodes": model.shape.max_nodes}
        data = {"dataset": dataset.name, "checksum": dataset.checksum, "dtype": str(task.builder.dtype)}
        digest = config_hash({"name": model.name} | data | self.config)
        self.files = folder and CheckpointFolder(folder, model.name, dataset.name, digest)
        self.provenance = provenance(dataset, task.device)
        if (module := user_module(model.name)) is not None:
            self.provenance["module"] = module

    def find_groups(self, seeds: list[int]) -> tuple[dict[int, TrainState], list[ReplicaGroup]]:
        """As `replica_groups`, once their checkpoints can be written (StorageError)."""
        at_once = self.task.side_by_side(len(seeds))
        finished, groups = replica_groups(seeds, at_once, self.files, self.task.config, self.max_epochs)
        if self.files is not None:
            self.files.prepare({group.path for group in groups} | self.files.files(seeds).keys())
        return finished, groups

    def initial_states(self, group: ReplicaGroup) -> dict[int, TrainState]:
        """The states from which a group goes on: those of its checkpoint, or of epoch 0."""
        if group.found:
            return {seed: group.found[seed][1] for seed in group.seeds}
        # Beside other seeds float32 sums round otherwise: to repeat a number to the bit, train these together.
        provenance = self.provenance | {"side_by_side": group.seeds}
        rate = self.task.config.learning_rate
        return {seed: TrainState(Schedule(rate), provenance=provenance) for seed in group.seeds}

    def epochs_left(self, group: ReplicaGroup) -> tuple[int, int]:
        """How many seeds a group has, and the epochs that they have left at most."""
        states = self.initial_states(group).values()
        return len(states), self.max_epochs - min(state.epoch for state in states)

    def train(
        self,
        group: ReplicaGroup,
        show: Callable[[EpochReport], None],
        stop_requested: Callable[[], bool],
    ) -> dict[int, RunRecord]:
        """Train a group until its seeds have finished, or ``on_epoch`` stops the call; one record per seed.

        Raises KeyboardInterrupt after a requested stop, and what ``on_epoch`` raises, both once a checkpoint is saved.
        """
        path, states = group.path, self.initial_states(group)
        replicas = self.task.replicas(
            group.seeds, started=len(group.seeds) + len(group.ended), stopped=stop_requested
        )
        if group.found:
            group.resume(replicas)
        records: dict[int, RunRecord] = {}
        while states:
            start = time.perf_counter()
            if not train_epoch(self.task, replicas, states, stop_requested):
                group.save(path, replicas, states)
                raise KeyboardInterrupt
            evaluate(self.task, replicas, states)
            report = epoch_report(states, time.perf_counter() - start)
            show(report)
            try:
                self.stopped = self.on_epoch is not None and self.on_epoch(report) is False
            except BaseException:
                group.save(path, replicas, states)
                raise
            interrupted = stop_requested()
            finished = [
                seed for seed, state in states.items() if state.is_finished(self.task.config, self.max_epochs)
            ]
            due = report.epoch % self.task.config.checkpoint_every == 0
            if finished or self.stopped or interrupted or due:
                group.save(path, replicas, states)
            records |= {seed: self.record(seed, states[seed]) for seed in finished}
            if finished:
                group.end(replicas, [replicas.seeds.index(seed) for seed in finished], states)
                states = {seed: state for seed, state in states.items() if seed not in finished}
                replicas.keep([row for row, seed in enumerate(replicas.seeds) if seed in states])
            if self.stopped:
                return records | self.unfinished_records(states)
            if interrupted and states:
                raise KeyboardInterrupt
        return records

    def unfinished_records(self, states: dict[int, TrainState]) -> dict[int, RunRecord]:
        """Records of seeds that ``on_epoch`` has stopped, before or after their first epoch."""
        return {seed: self.record(seed, state, stopped=True) for seed, state in states.items()}

    def record(self, seed: int, state: TrainState, *, stopped: bool = False) -> RunRecord:
        return RunRecord(
            model=self.task.model.name,
            dataset=self.task.dataset.name,
            seed=seed,
            metric=self.task.dataset.spec.metric,
            val_score=state.val_score,
            test_score=state.test_score,
            best_epoch=state.schedule.best_epoch,
            epochs=state.epoch,
            curves=state.curves,
            config=deepcopy(self.config),
            provenance=deepcopy(state.provenance),
            error=state.error,
            stopped=stopped,
            weights=state.best,
        )
