"""When the learning rate halves and when training stops: one clock a replica, read once an epoch."""

from __future__ import annotations

from dataclasses import dataclass

from rethinkpool_core.training.config import TrainingConfig


@dataclass
class Schedule:
    """Counts epochs without a better validation score (Appendix A.2). Equal is not better: the first of equals stays the best."""

    learning_rate: float
    best: float = float("-inf")  # higher is better, whatever the metric
    best_epoch: int = 0
    waited: int = 0  # epochs since the best
    waited_at_rate: int = 0  # epochs since the best or the last change of the rate

    def update(self, epoch: int, value: float, config: TrainingConfig) -> bool:
        """Take in the score of ``epoch`` (higher is better); whether it is the best so far."""
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
        return self.waited >= config.stop_patience
