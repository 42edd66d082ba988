"""Figures of run records: learning curves, and the scores of all seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rethinkpool_core.figures.svg import COLOURS, INK, SvgFigure, draw_svg
from rethinkpool_core.paper import get_metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rethinkpool_core.training.record import RunRecord

Runs = Mapping[str, Sequence["RunRecord"]]
"""Run records of each model, by the name of the model."""


def learning_curves(runs: Runs, curve: str, label: str) -> SvgFigure:
    """Mean of one curve over the seeds at each epoch, in a band from the lowest to the highest seed.

    Validation scores are in points, as in every figure. A line ends with the first seed of its model that stops, so that its
    mean is always over the same seeds.
    """

    def paint(axes: Axes) -> None:
        for colour, (name, records) in zip(COLOURS, runs.items(), strict=False):
            length = min(len(record.curves[curve]) for record in records)
            values = np.array([record.curves[curve][:length] for record in records])
            values *= curve_scale(curve, records[0].metric)
            epochs = np.arange(1, length + 1)
            axes.fill_between(epochs, values.min(0), values.max(0), color=colour, alpha=0.22, linewidth=0)
            axes.plot(epochs, values.mean(0), color=colour, linewidth=2, label=name)
        axes.set_xlabel("epoch")
        axes.set_ylabel(label)
        axes.legend()

    return draw_svg(paint, f"{label}: mean of the seeds, band from lowest to highest")


def curve_scale(curve: str, metric: str) -> float:
    """Factor from a curve as recorded to a curve as drawn: validation scores are drawn in points."""
    return get_metric(metric).scale if curve == "val_score" else 1.0


def score_strip(runs: Runs, label: str) -> SvgFigure:
    """Strip plot of test scores in points: a dot per seed, the mean as a line, and lines that join the dots of one seed."""

    def paint(axes: Axes) -> None:
        names = list(runs)
        scores = [
            {record.seed: get_metric(record.metric).scale * record.test_score for record in records}
            for records in runs.values()
        ]
        for left in range(len(names) - 1):
            for seed in scores[left].keys() & scores[left + 1].keys():
                pair = [scores[left][seed], scores[left + 1][seed]]
                axes.plot([left, left + 1], pair, color=INK, linewidth=0.8, alpha=0.35, zorder=1)
        for x, by_seed in enumerate(scores):
            values = list(by_seed.values())
            colour = COLOURS[x % len(COLOURS)]
            axes.scatter([x] * len(values), values, color=colour, s=44, zorder=2)
            axes.hlines(np.mean(values), x - 0.2, x + 0.2, color=colour, linewidth=2.5, zorder=2)
        axes.set_xticks(range(len(names)), names)
        axes.set_xlim(-0.5, len(names) - 0.5)
        axes.set_ylabel(label)
        axes.grid(axis="x", visible=False)

    return draw_svg(paint, f"{label}: one dot per seed, lines join the same seed")
