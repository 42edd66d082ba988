"""The progress shown while replicas train: a live line on a terminal, one plain line per epoch elsewhere."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rethinkpool_core.training.report import EpochReport

RECENT_EPOCHS = 10


@contextmanager
def show_progress(
    title: str, metric: str, remaining: RemainingTime, wanted: bool
) -> Iterator[Callable[[EpochReport], None]]:
    """Yields a function that shows an epoch on standard error, after ``title``, or does nothing if that is not ``wanted``."""
    if not wanted:
        yield lambda report: None
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)

    def line(report: EpochReport) -> str:
        remaining.add(report)
        return f"{title}: {describe(report, metric, remaining)}"

    if console.is_terminal:
        with console.status(Text(title)) as status:
            yield lambda report: status.update(Text(line(report)))
    else:
        yield lambda report: console.print(line(report), markup=False, highlight=False, soft_wrap=True)


class RemainingTime:
    """An upper estimate of the time left: as if no seed stopped before ``max_epochs``.

    waiting    of each group of seeds that trains later, how many seeds it has and the epochs that they have left at most
    """

    def __init__(self, max_epochs: int, waiting: list[tuple[int, int]]):
        self.max_epochs, self.waiting = max_epochs, waiting
        self.recent: deque[float] = deque(maxlen=RECENT_EPOCHS)
        self.replicas = 0

    def add(self, report: EpochReport) -> None:
        if len(report.seeds) != self.replicas:
            self.recent.clear()  # an epoch of fewer replicas takes less time
            self.replicas = len(report.seeds)
        self.recent.append(report.seconds)

    @property
    def seconds_per_epoch(self) -> float:
        """Mean over the most recent epochs, of all replicas that train side by side."""
        return fmean(self.recent)

    def at_most(self, epoch: int) -> float:
        """Seconds that are left after ``epoch``."""
        here = self.max_epochs - epoch
        # On a CPU time grows with the number of replicas; on a GPU less than that.
        later = sum(epochs * max(1.0, seeds / self.replicas) for seeds, epochs in self.waiting)
        return self.seconds_per_epoch * (here + later)


def describe(report: EpochReport, metric: str, remaining: RemainingTime) -> str:
    """One line about an epoch: means over its seeds, the time that an epoch takes and the time left at most."""
    scores = list(report.scores.values())
    loss, value, rate = (
        fmean(getattr(one, name) for one in scores) for name in ("train_loss", "val_score", "learning_rate")
    )
    best = [one.best_val_score for one in scores if one.best_val_score is not None]
    best = f" (best {fmean(best):.4f})" if best else ""
    left = remaining.at_most(report.epoch)
    return (
        f"epoch {report.epoch} of at most {remaining.max_epochs}, train loss {loss:.4f}, {metric} {value:.4f}{best}, "
        f"rate {rate:.1e}, {remaining.seconds_per_epoch:.2f} s per epoch"
        + (f", at most {duration(left)} left" if left else "")
    )


def duration(seconds: float) -> str:
    """Seconds in the two largest units, as "3 h 20 min" or "42 s"."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
