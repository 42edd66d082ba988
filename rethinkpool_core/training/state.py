"""How far the training of one seed has come."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from torch import Tensor

from rethinkpool_core.training.checkpoint import SavedSeed
from rethinkpool_core.training.config import TrainingConfig
from rethinkpool_core.training.schedule import Schedule


@dataclass
class TrainState:
    """The state of one seed beside its parameters.

    epoch          epochs finished
    step           steps done in the current epoch
    loss_sums      for the current epoch: every loss, summed over the graphs so far
    seconds        for the current epoch: training time so far
    val_score, test_score, best_weights
                   at the best validation epoch; None if there is none yet
    error          why training failed
    """

    schedule: Schedule
    epoch: int = 0
    step: int = 0
    loss_sums: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    curves: dict[str, list[float]] = field(default_factory=dict)
    val_score: float | None = None
    test_score: float | None = None
    error: str | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    best_weights: dict[str, Tensor] | None = field(default=None, repr=False)

    @classmethod
    def idle(cls, epoch: int) -> TrainState:
        """Return the state of a seed that has finished and whose replica takes part in further epochs without learning."""
        return cls(Schedule(learning_rate=0.0, best=math.inf), epoch)

    def finish_epoch(self, num_graphs: int) -> None:
        """Move the values of the current epoch to the curves: means of its losses over so many graphs, rate and time."""
        self.epoch, self.step = self.epoch + 1, 0
        losses = {name: value / num_graphs for name, value in self.loss_sums.items()}
        self.append(losses | {"lr": self.schedule.learning_rate, "train_seconds": self.seconds})
        self.check_finite(losses)
        self.loss_sums, self.seconds = {}, 0.0

    def append(self, values: dict[str, float]) -> None:
        """Append values of ``epoch`` to the curves of these names; a curve that starts later is NaN before."""
        for name, value in values.items():
            curve = self.curves.setdefault(name, [])
            curve += [math.nan] * (self.epoch - 1 - len(curve))
            curve.append(value)

    def fill_gaps(self) -> None:
        """Append NaN to every curve without a value of ``epoch``: auxiliary losses that were not computed."""
        for curve in self.curves.values():
            curve += [math.nan] * (self.epoch - len(curve))

    def check_finite(self, values: dict[str, float]) -> None:
        """Set ``error`` for the first of these losses or scores that is not finite."""
        for name, value in values.items():
            if self.error is None and not math.isfinite(value):
                self.error = (
                    f"{name} became {value} in epoch {self.epoch}: lower learning_rate, or set clip_norm"
                )

    def is_finished(self, config: TrainingConfig, max_epochs: int) -> bool:
        return self.error is not None or self.epoch >= max_epochs or self.schedule.finished(config)


class Snapshot(NamedTuple):
    """One seed at one moment: the tensors of `Replicas.state`, and its state."""

    tensors: dict[str, Tensor]
    state: TrainState

    def to_saved(self) -> SavedSeed:
        values = {name: value for name, value in vars(self.state).items() if name != "best_weights"}
        best = {f"best/{name}": tensor for name, tensor in (self.state.best_weights or {}).items()}
        return SavedSeed(self.tensors | best, values | {"schedule": asdict(self.state.schedule)})

    @classmethod
    def from_saved(cls, saved: SavedSeed) -> Snapshot:
        best, tensors = {}, {}
        for name, tensor in saved.tensors.items():
            (best if name.startswith("best/") else tensors)[name.removeprefix("best/")] = tensor
        schedule = Schedule(**saved.values["schedule"])
        return cls(tensors, TrainState(**saved.values | {"schedule": schedule}, best_weights=best or None))
