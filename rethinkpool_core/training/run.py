"""One call of `train`: groups of replicas, each trained epoch by epoch until the last of its seeds has finished."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path

from rethinkpool_core.models.registry import user_module
from rethinkpool_core.training.checkpoint_folder import CheckpointFolder
from rethinkpool_core.training.config import run_config
from rethinkpool_core.training.epoch import train_epoch
from rethinkpool_core.training.evaluation import evaluate
from rethinkpool_core.training.groups import ReplicaGroup, replica_groups
from rethinkpool_core.training.provenance import provenance
from rethinkpool_core.training.record import RunRecord
from rethinkpool_core.training.report import EpochReport, OnEpoch, epoch_report
from rethinkpool_core.training.schedule import Schedule
from rethinkpool_core.training.setup import TrainingSetup
from rethinkpool_core.training.state import Snapshot, TrainState


class TrainingRun:
    """One call of `train`.

    stopped    whether ``on_epoch`` has stopped it
    """

    def __init__(self, setup: TrainingSetup, max_epochs: int, folder: Path | None, on_epoch: OnEpoch | None):
        self.setup, self.max_epochs, self.on_epoch = setup, max_epochs, on_epoch
        self.stopped = False
        model, dataset = setup.model, setup.dataset
        self.config = run_config(model.config, setup.config, max_epochs) | {
            "max_nodes": model.shape.max_nodes
        }
        data = {"data checksum": dataset.checksum, "floating-point type": str(setup.builder.dtype)}
        of_runs = {"model name": model.name, "dataset": dataset.name} | data | self.config
        self.folder = folder and CheckpointFolder(folder, model.name, dataset.name, of_runs)
        self.provenance = provenance(dataset, setup.device) | {"shape": asdict(model.shape)}
        if (module := user_module(model.name)) is not None:
            self.provenance["module"] = module

    def find_groups(self, seeds: list[int]) -> tuple[dict[int, TrainState], list[ReplicaGroup]]:
        """Return the states of seeds that a checkpoint says have finished, and the groups of the others (see `replica_groups`).

        Raises CheckpointError, or StorageError if checkpoints cannot be written.
        """
        found = {} if self.folder is None else self.folder.find(seeds)
        saved = {
            path: {seed: Snapshot.from_saved(one) for seed, one in by_seed.items()}
            for path, by_seed in found.items()
        }
        at_once = self.setup.seeds_at_once(len(seeds))
        finished, groups = replica_groups(seeds, at_once, self.folder, saved, self.is_finished)
        if self.folder is not None:
            self.folder.prepare({group.path for group in groups} | found.keys())
        return finished, groups

    def is_finished(self, state: TrainState) -> bool:
        return state.is_finished(self.setup.config, self.max_epochs)

    def initial_states(self, group: ReplicaGroup) -> dict[int, TrainState]:
        """Return the states with which training of a group begins: those of its checkpoint, or new ones."""
        if group.saved:
            return {seed: group.saved[seed].state for seed in group.seeds}
        # Recorded because float32 sums round differently beside other seeds: the same group repeats the numbers to the bit.
        provenance = self.provenance | {"side_by_side": group.seeds}
        rate = self.setup.config.learning_rate
        return {seed: TrainState(Schedule(rate), provenance=provenance) for seed in group.seeds}

    def epochs_left(self, group: ReplicaGroup) -> tuple[int, int]:
        """Return the number of seeds of a group, and the epochs that they have left at most."""
        states = self.initial_states(group).values()
        return len(states), self.max_epochs - min(state.epoch for state in states)

    def train(
        self,
        group: ReplicaGroup,
        show: Callable[[EpochReport], None],
        stop_requested: Callable[[], bool],
    ) -> dict[int, RunRecord]:
        """Train a group until all its seeds have finished or ``on_epoch`` stops, and return a record per seed.

        show              shows the report of an epoch
        stop_requested    whether training should stop, asked after every step

        Raises KeyboardInterrupt after a requested stop, and what ``on_epoch`` raises, once a checkpoint is saved.
        """
        states = self.initial_states(group)
        replicas = self.setup.replicas(
            group.seeds, started=len(group.all_seeds), stop_requested=stop_requested
        )
        if group.saved:
            group.resume(replicas, self.provenance["device"])
        records: dict[int, RunRecord] = {}
        idle: dict[int, TrainState] = {}  # of finished seeds that are still among the replicas
        while states:
            start = time.perf_counter()
            if not train_epoch(self.setup, replicas, states | idle, stop_requested):
                group.save(replicas, states)
                raise KeyboardInterrupt
            evaluate(self.setup, replicas, states | idle)
            report = epoch_report(states, time.perf_counter() - start)
            show(report)
            try:
                self.stopped = self.on_epoch is not None and self.on_epoch(report) is False
            except BaseException:
                group.save(replicas, states)
                raise
            interrupted = stop_requested()
            finished = [seed for seed, state in states.items() if self.is_finished(state)]
            due = report.epoch % self.setup.config.checkpoint_every == 0
            if finished or self.stopped or interrupted or due:
                group.save(replicas, states)
            records |= {seed: self.record(seed, states[seed]) for seed in finished}
            if finished:
                group.finish(finished, replicas, states)
                states = {seed: state for seed, state in states.items() if seed not in finished}
                idle |= {seed: TrainState.idle(report.epoch) for seed in finished}
                # Without some of the replicas all steps would be recorded anew, which takes longer than to train idle ones along.
                if replicas.recorded is None or 2 * len(states) <= len(replicas):
                    replicas.keep([row for row, seed in enumerate(replicas.seeds) if seed in states])
                    idle.clear()
            if self.stopped:
                return records | self.unfinished_records(states)
            if interrupted and states:
                raise KeyboardInterrupt
        return records

    def unfinished_records(self, states: dict[int, TrainState]) -> dict[int, RunRecord]:
        """Return records of seeds that ``on_epoch`` has stopped, whether or not their training has begun."""
        return {seed: self.record(seed, state, stopped=True) for seed, state in states.items()}

    def record(self, seed: int, state: TrainState, *, stopped: bool = False) -> RunRecord:
        return RunRecord(
            model=self.setup.model.name,
            dataset=self.setup.dataset.name,
            seed=seed,
            metric=self.setup.dataset.spec.metric,
            val_score=state.val_score,
            test_score=state.test_score,
            best_epoch=state.schedule.best_epoch,
            epochs=state.epoch,
            curves=state.curves,
            config=deepcopy(self.config),
            provenance=deepcopy(state.provenance),
            error=state.error,
            stopped=stopped,
            weights=state.best_weights,
        )
