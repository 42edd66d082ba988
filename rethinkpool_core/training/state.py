"""How far replicas are, and the files that remember it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from rethinkpool_core.training.checkpoint import CheckpointFolder
from rethinkpool_core.training.config import TrainingConfig
from rethinkpool_core.training.replicas import Replicas
from rethinkpool_core.training.schedule import Schedule
from rethinkpool_core.training.seeds import chunk_evenly


@dataclass
class TrainState:
    """How far one replica is: what a checkpoint holds besides tensors."""

    schedule: Schedule
    epoch: int = 0  # epochs done
    step: int = 0  # steps done of the epoch under way
    sums: dict[str, float] = field(default_factory=dict)  # of the epoch under way: each loss times its graphs
    seconds: float = 0.0
    curves: dict[str, list[float]] = field(default_factory=dict)
    val_score: float | None = None
    test_score: float | None = None
    error: str | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    best: dict[str, Tensor] | None = field(default=None, repr=False)

    def metadata(self) -> dict[str, Any]:
        values = {key: value for key, value in vars(self).items() if key != "best"}
        return values | {"schedule": asdict(self.schedule)}

    @classmethod
    def of(cls, metadata: dict[str, Any]) -> TrainState:
        return cls(**(metadata | {"schedule": Schedule(**metadata["schedule"])}))

    def append(self, values: dict[str, float]) -> None:
        """Values of ``epoch`` for the curves, by name; a curve that begins later is NaN before."""
        for name, value in values.items():
            curve = self.curves.setdefault(name, [])
            curve += [math.nan] * (self.epoch - 1 - len(curve))
            curve.append(value)

    def fill_gaps(self) -> None:
        """NaN for ``epoch`` in every curve that has no value of it: auxiliary losses that were not computed."""
        for curve in self.curves.values():
            curve += [math.nan] * (self.epoch - len(curve))

    def check_finite(self, values: dict[str, float]) -> None:
        """Set ``error`` for the first of these losses or scores of ``epoch`` that is not finite."""
        for name, value in values.items():
            if self.error is None and not math.isfinite(value):
                self.error = (
                    f"{name} became {value} in epoch {self.epoch}: lower learning_rate, or set clip_norm"
                )

    def is_finished(self, config: TrainingConfig, max_epochs: int) -> bool:
        return self.error is not None or self.epoch >= max_epochs or self.schedule.finished(config)


State = tuple[dict[str, Tensor], TrainState]
"""What `Replicas.state` gives, and the state."""


class ReplicaGroup:
    """Seeds that train side by side, and their file.

    found    of those that were begun before, how far they are
    ended    seeds of the same file whose training is over: they stay in it until it is deleted
    """

    def __init__(
        self,
        seeds: list[int],
        files: CheckpointFolder | None = None,
        found: dict[int, State] | None = None,
        ended: dict[int, State] | None = None,
    ):
        self.seeds, self.files = list(seeds), files
        self.found, self.ended = found or {}, ended or {}

    @property
    def path(self) -> Path | None:
        return self.files and self.files.path([*self.seeds, *self.ended])

    def resume(self, replicas: Replicas) -> None:
        """Load the tensors of the checkpoint into ``replicas``; the group no longer holds them.

        ``side_by_side`` becomes None where the group is not the one they began in: no call repeats these numbers to the bit.
        """
        found, self.found = self.found, {}
        replicas.load([found[seed][0] for seed in self.seeds])
        for seed in self.seeds:
            provenance = found[seed][1].provenance
            if set(provenance["side_by_side"] or ()) != {*self.seeds, *self.ended}:
                provenance["side_by_side"] = None

    def save(self, path: Path | None, replicas: Replicas, states: dict[int, TrainState]) -> None:
        """Write the file ``path``, with those that are over as they were when they were (StorageError)."""
        if path is None:
            return
        now = {seed: (replicas.state(row), states[seed]) for row, seed in enumerate(replicas.seeds)}
        tensors, metadata = {}, {}
        for seed, (of_seed, state) in (self.ended | now).items():
            best = {f"best/{name}": tensor for name, tensor in (state.best or {}).items()}
            tensors[seed], metadata[seed] = of_seed | best, state.metadata()
        self.files.save(path, tensors, metadata)

    def end(self, replicas: Replicas, rows: list[int], states: dict[int, TrainState]) -> None:
        """Training of these rows is over; called before they leave ``replicas``."""
        if self.files is not None:
            self.ended |= {
                replicas.seeds[row]: (replicas.state(row), states[replicas.seeds[row]]) for row in rows
            }


def replica_groups(
    seeds: list[int], at_once: int, files: CheckpointFolder | None, config: TrainingConfig, max_epochs: int
) -> tuple[dict[int, TrainState], list[ReplicaGroup]]:
    """Of ``seeds``, those whose training is over, and the others in replica_groups of at most ``at_once``.

    Who was begun together goes on together; the others are chunk_evenly as if all seeds were yet to begin, so that a call that is
    repeated divides them as before. Every file is looked at, so that one of another configuration is told before any training
    (CheckpointError).
    """
    places = {} if files is None else files.files(seeds)
    farthest: dict[int, tuple[tuple[int, int], Path]] = {}
    for path, metadata in places.items():
        for seed in metadata.keys() & set(seeds):
            far = (metadata[seed]["epoch"], metadata[seed]["step"]), path
            farthest[seed] = max(farthest.get(seed, far), far)
    over: dict[int, TrainState] = {}
    made: list[ReplicaGroup] = []
    for path, metadata in places.items():
        whose = [seed for seed in seeds if seed in farthest and farthest[seed][1] == path]
        if not whose:
            continue
        states = _states(files, path, metadata)
        ended = {s: state for s, state in states.items() if state[1].is_finished(config, max_epochs)}
        over |= {seed: ended[seed][1] for seed in whose if seed in ended}
        going = [seed for seed in whose if seed not in ended]
        whole = len(going) + len(ended) == len(states) and len(going) <= at_once
        for part in chunk_evenly(going, at_once):
            made.append(
                ReplicaGroup(part, files, {seed: states[seed] for seed in part}, ended if whole else None)
            )
    for part in chunk_evenly(seeds, at_once):
        fresh = [seed for seed in part if seed not in farthest]
        if fresh:
            made.append(ReplicaGroup(fresh, files))
    return over, made


def _states(files: CheckpointFolder, path: Path, metadata: dict[int, dict[str, Any]]) -> dict[int, State]:
    """Everything in a file (raises CheckpointError)."""
    states = {}
    for seed, tensors in files.load(path, metadata).items():
        state = TrainState.of(metadata[seed])
        best = {
            name.removeprefix("best/"): tensor for name, tensor in tensors.items() if name.startswith("best/")
        }
        state.best = best or None
        states[seed] = (
            {name: tensor for name, tensor in tensors.items() if not name.startswith("best/")},
            state,
        )
    return states
