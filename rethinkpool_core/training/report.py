"""The object that `train` passes to ``on_epoch`` after each epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rethinkpool_core.training.state import TrainState


@dataclass(frozen=True)
class SeedScores:
    """One seed after an epoch, scores in the metric's own units.

    train_loss       mean of the supervised loss over the training graphs, during the epoch
    best_val_score, test_score
                     at the best validation epoch so far; None if there is none yet
    learning_rate    of the epoch
    error            why training of this seed ends here, None if it does not
    """

    train_loss: float
    val_loss: float
    val_score: float
    best_val_score: float | None
    test_score: float | None
    learning_rate: float
    error: str | None = None


@dataclass(frozen=True)
class EpochReport:
    """An epoch of the seeds that train side by side.

    epoch      from 1
    seconds    wall-clock time of the epoch, training and evaluation, for all these seeds together
    scores     by seed
    """

    epoch: int
    seconds: float
    scores: dict[int, SeedScores]

    @property
    def seeds(self) -> list[int]:
        return list(self.scores)


OnEpoch = Callable[[EpochReport], object]
"""Called after each epoch; training stops where it returns False."""


def epoch_report(states: dict[int, TrainState], seconds: float) -> EpochReport:
    """The report of the epoch that ``states`` have just ended."""
    scores = {
        seed: SeedScores(
            **{name: state.curves[name][-1] for name in ("train_loss", "val_loss", "val_score")},
            best_val_score=state.val_score,
            test_score=state.test_score,
            learning_rate=state.curves["lr"][-1],
            error=state.error,
        )
        for seed, state in states.items()
    }
    return EpochReport(next(iter(states.values())).epoch, seconds, scores)
