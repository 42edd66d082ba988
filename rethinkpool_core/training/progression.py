"""How far a replica is, and the files that remember it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from rethinkpool_core.training.checkpoint import (
    check_folder,
    checkpoint_path,
    load_checkpoint,
    save_checkpoint,
)
from rethinkpool_core.training.config import TrainingConfig
from rethinkpool_core.training.replicas import Replicas
from rethinkpool_core.training.schedule import Schedule


@dataclass
class Progression:
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

    def facts(self) -> dict[str, Any]:
        values = {key: value for key, value in vars(self).items() if key != "best"}
        return values | {"schedule": asdict(self.schedule)}

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Progression:
        return cls(**(facts | {"schedule": Schedule(**facts["schedule"])}))

    def over(self, config: TrainingConfig, max_epochs: int) -> bool:
        return self.error is not None or self.epoch >= max_epochs or self.schedule.finished(config)


class Checkpoints:
    """One file a seed in ``folder``, for one model, dataset and configuration; without a folder, none."""

    def __init__(self, folder: Path | None, model: str, dataset: str, digest: str):
        self.folder, self.model, self.dataset, self.digest = folder, model, dataset, digest

    def path(self, seed: int) -> Path:
        return checkpoint_path(self.folder, self.model, self.dataset, seed)

    def prepare(self, seeds: list[int]) -> None:
        """Check that the files can be written, before any training (StorageError)."""
        if self.folder is not None:
            check_folder(self.folder, [self.path(seed) for seed in seeds])

    def load(self, seed: int) -> tuple[dict[str, Tensor], Progression] | None:
        """What `Replicas.state` gave and the progression, or None (raises CheckpointError)."""
        found = None if self.folder is None else load_checkpoint(self.path(seed), self.digest)
        if found is None:
            return None
        tensors, facts = found
        progression = Progression.of(facts)
        best = {
            name.removeprefix("best/"): tensor for name, tensor in tensors.items() if name.startswith("best/")
        }
        progression.best = best or None
        return {name: tensor for name, tensor in tensors.items() if not name.startswith("best/")}, progression

    def save(self, replicas: Replicas, row: int, progression: Progression) -> None:
        """Raises StorageError."""
        if self.folder is not None:
            tensors = replicas.state(row) | {
                f"best/{name}": tensor for name, tensor in (progression.best or {}).items()
            }
            save_checkpoint(self.path(replicas.seeds[row]), self.digest, tensors, progression.facts())
