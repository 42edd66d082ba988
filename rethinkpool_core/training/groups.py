"""Which seeds train side by side, and the checkpoint file of each such group."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rethinkpool_core.training.checkpoint_folder import CheckpointFolder
from rethinkpool_core.training.provenance import add_device
from rethinkpool_core.training.replicas import Replicas
from rethinkpool_core.training.seeds import chunk_evenly
from rethinkpool_core.training.state import Snapshot, TrainState


class ReplicaGroup:
    """Seeds that train side by side, and their checkpoint file.

    saved       snapshot of every seed, if they resume from a checkpoint
    finished    snapshots of seeds of the same file whose training has finished: they stay in it
    """

    def __init__(
        self,
        seeds: list[int],
        folder: CheckpointFolder | None = None,
        saved: dict[int, Snapshot] | None = None,
        finished: dict[int, Snapshot] | None = None,
    ):
        self.seeds, self.folder = list(seeds), folder
        self.saved, self.finished = saved or {}, finished or {}
        self.all_seeds = [*self.seeds, *self.finished]

    @property
    def path(self) -> Path | None:
        return None if self.folder is None else self.folder.path(self.all_seeds)

    def resume(self, replicas: Replicas, device: str) -> None:
        """Load the saved tensors into ``replicas`` on the device of this name; the group no longer holds them.

        ``side_by_side`` becomes None where the seeds started in another group: no call repeats these numbers to the bit.
        """
        saved, self.saved = self.saved, {}
        replicas.load([saved[seed].tensors for seed in self.seeds])
        for seed in self.seeds:
            provenance = saved[seed].state.provenance
            add_device(provenance, device)
            if set(provenance["side_by_side"] or ()) != set(self.all_seeds):
                provenance["side_by_side"] = None

    def save(self, replicas: Replicas, states: dict[int, TrainState]) -> None:
        """Write the checkpoint of all seeds, finished ones as they were when they finished (raises StorageError)."""
        if self.folder is not None:
            snapshots = self.finished | self._snapshots(replicas, states)
            self.folder.save(self.path, {seed: snapshot.to_saved() for seed, snapshot in snapshots.items()})

    def finish(self, seeds: list[int], replicas: Replicas, states: dict[int, TrainState]) -> None:
        """Keep the snapshots of seeds whose training has finished, before they leave ``replicas``."""
        if self.folder is not None:
            self.finished |= self._snapshots(replicas, {seed: states[seed] for seed in seeds})

    @staticmethod
    def _snapshots(replicas: Replicas, states: dict[int, TrainState]) -> dict[int, Snapshot]:
        return {
            seed: Snapshot(replicas.state(replicas.seeds.index(seed)), state)
            for seed, state in states.items()
        }


def replica_groups(
    seeds: list[int],
    at_once: int,
    folder: CheckpointFolder | None,
    saved: dict[Path, dict[int, Snapshot]],
    is_finished: Callable[[TrainState], bool],
) -> tuple[dict[int, TrainState], list[ReplicaGroup]]:
    """Divide ``seeds`` into groups of at most ``at_once``; those whose training has finished are returned apart.

    Seeds that were checkpointed together resume together. Seeds without a checkpoint are divided as if all seeds were new,
    so that a repeated call gives the same groups.

    saved    the files that hold some of the seeds, with all the seeds that each holds
    """
    newest = _newest_file(saved)
    finished: dict[int, TrainState] = {}
    groups: list[ReplicaGroup] = []
    for path, snapshots in saved.items():
        own = [seed for seed in seeds if newest.get(seed) == path]
        if not own:
            continue
        ended = {seed: one for seed, one in snapshots.items() if is_finished(one.state)}
        finished |= {seed: ended[seed].state for seed in own if seed in ended}
        unfinished = [seed for seed in own if seed not in ended]
        same_group = len(unfinished) + len(ended) == len(snapshots) and len(unfinished) <= at_once
        groups += [
            ReplicaGroup(
                chunk, folder, {seed: snapshots[seed] for seed in chunk}, ended if same_group else None
            )
            for chunk in chunk_evenly(unfinished, at_once)
        ]
    for chunk in chunk_evenly(seeds, at_once):
        new = [seed for seed in chunk if seed not in newest]
        if new:
            groups.append(ReplicaGroup(new, folder))
    return finished, groups


def _newest_file(saved: dict[Path, dict[int, Snapshot]]) -> dict[int, Path]:
    """For each seed the file in which it has trained longest."""
    newest: dict[int, tuple[tuple[int, int], Path]] = {}
    for path, snapshots in saved.items():
        for seed, snapshot in snapshots.items():
            candidate = (snapshot.state.epoch, snapshot.state.step), path
            newest[seed] = max(newest.get(seed, candidate), candidate)
    return {seed: path for seed, (_, path) in newest.items()}
