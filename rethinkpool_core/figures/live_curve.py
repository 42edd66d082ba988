"""The curves of a training that is going on, and their film: the static twin of `widgets.training`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rethinkpool_core.figures.svg import COLOURS, INK, FigureRow, SvgFigure, draw_svg
from rethinkpool_core.paper import get_metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rethinkpool_core.training.report import EpochReport


def live_curve(reports: Sequence[EpochReport], title: str, metric: str, max_epochs: int) -> SvgFigure:
    """Draw the validation score of each seed after each epoch so far, on an axis for all epochs, with the best one marked.

    reports    what `train` gave ``on_epoch``
    title      model and dataset
    """
    scored_by = get_metric(metric)
    curves: dict[int, list[tuple[int, float]]] = {}
    for report in reports:
        for seed, scores in report.scores.items():
            curves.setdefault(seed, []).append((report.epoch, scored_by.scale * scores.val_score))
    choose = max if scored_by.higher_is_better else min

    def paint(axes: Axes) -> None:
        from matplotlib.ticker import MaxNLocator

        for number, (seed, points) in enumerate(curves.items()):
            colour = COLOURS[number % len(COLOURS)]
            axes.plot(*zip(*points, strict=True), color=colour, linewidth=2, label=f"seed {seed}")
            best = choose(points, key=lambda point: point[1])
            axes.plot(*best, "o", color=colour, markeredgecolor=INK, markersize=7, clip_on=False)
        axes.set_xlim(0, max_epochs)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.set_xlabel("epoch")
        axes.set_ylabel(f"validation {scored_by.label}")
        if len(curves) > 1:
            axes.legend(fontsize=10)

    return draw_svg(paint, f"{title}: {_state(reports, scored_by, choose)}")


def _state(reports: Sequence[EpochReport], scored_by, choose) -> str:
    """Epochs so far, and the best score of the seeds that are training."""
    if not reports:
        return "not begun"
    best = [
        (scores.best_val_score, scores.test_score)
        for scores in reports[-1].scores.values()
        if scores.best_val_score is not None
    ]
    epochs = f"{reports[-1].epoch} epoch{'s' if reports[-1].epoch > 1 else ''}"
    if not best:
        return epochs
    val, test = choose(best, key=lambda scores: scores[0])  # not the best test score of those that tie
    digits = scored_by.digits
    return f"{epochs}, best validation {scored_by.scale * val:.{digits}f} (test {scored_by.scale * test:.{digits}f})"


def curve_film(
    reports: Sequence[EpochReport], title: str, metric: str, max_epochs: int, frames: int = 4
) -> FigureRow:
    """Draw the curve at several moments of a training, evenly spaced and the end among them."""
    count = min(frames, len(reports))
    ends = [round(len(reports) * (number + 1) / count) for number in range(count)]
    return FigureRow([live_curve(reports[:end], title, metric, max_epochs) for end in ends])
