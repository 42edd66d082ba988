"""The learning rate schedule and early stopping of one replica."""

from __future__ import annotations

from dataclasses import dataclass

from rethinkpool_core.training.config import TrainingConfig


@dataclass
class Schedule:
    """Counts epochs without a better validation score (Appendix A.2). An equal score is not better.

    best              best validation score so far, with the sign by which higher is better
    waited            epochs since the best one
    waited_at_rate    epochs since the best one or the last change of the learning rate
    """

    learning_rate: float
    best: float = float("-inf")
    best_epoch: int = 0
    waited: int = 0
    waited_at_rate: int = 0

    def update(self, epoch: int, value: float, config: TrainingConfig) -> bool:
        """Count ``epoch`` with its validation score ``value`` (higher is better), and return whether it is the best so far."""
        if value > self.best:
            self.best, self.best_epoch = value, epoch
            self.waited = self.waited_at_rate = 0
            return True
        self.waited += 1
        self.waited_at_rate += 1
        if self.waited_at_rate >= config.learning_rate_patience:
            self.learning_rate = max(
                self.learning_rate * config.learning_rate_factor, config.least_learning_rate
            )
            self.waited_at_rate = 0
        return False

    def finished(self, config: TrainingConfig) -> bool:
        """Return whether early stopping ends training."""
        return self.waited >= config.stop_patience
