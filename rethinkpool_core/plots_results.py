"""Figures of whole tables of runs: differences of twins, scores by seed, curves of many seeds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from rethinkpool_core.panels import COLOURS, INK, Panel, Panels, draw

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from rethinkpool_core.analysis.equivalence import Comparison
    from rethinkpool_core.analysis.tables import CellScore


def forest(found: Sequence[Comparison]) -> Panels:
    """Each comparison as its difference and interval, with the band in which a difference does not matter.

    One panel for scores in points and one for errors in the target's units, where there are both.
    """
    panels = []
    for is_error in (False, True):
        part = [one for one in found if (one.metric == "mae") == is_error]
        if part:
            panels.append(_forest(part))
    return Panels(panels)


def _forest(found: list[Comparison]) -> Panel:
    places = list(range(len(found), 0, -1))
    better = "lower is better" if found[0].metric == "mae" else "higher is better"
    unit = "of the target's unit" if found[0].metric == "mae" else "points"

    def paint(axes: Axes) -> None:
        margin = found[0].margin
        axes.axvspan(-margin, margin, color=INK, alpha=0.1, linewidth=0)
        axes.axvline(0, color=INK, linewidth=1)
        for place, one in zip(places, found, strict=True):
            colour = COLOURS[1] if one.verdict.startswith("different") else COLOURS[0]
            if one.tested:
                axes.hlines(place, one.low, one.high, color=colour, linewidth=2.5)
            axes.plot(one.difference, place, "o", color=colour, markersize=8)
        axes.set_yticks(places, [f"{one.dataset}\n{one.twin}" for one in found], fontsize=10)
        axes.set_ylim(0.4, len(found) + 0.6)
        axes.set_xlabel(f"twin minus method ({better})")
        axes.grid(axis="y", visible=False)

    level = f"{100 * (1 - found[0].alpha):.0f} %"
    return draw(
        paint,
        f"Difference of each twin from its method with its {level} interval; shaded: within {found[0].margin:g} {unit}",
        width=5.0,
        height=1.3 + 0.55 * len(found),
    )


def score_strips(runs: pd.DataFrame, scores: Sequence[CellScore]) -> Panels:
    """Of each dataset, one dot a seed and the mean as a line; beside them the published mean and deviation.

    scores    `cell_scores` of the same runs, one a model
    """
    panels = []
    for dataset in dict.fromkeys(score.dataset for score in scores):
        part = [score for score in scores if score.dataset == dataset and score.seeds]
        panels.append(_strips(runs[runs.dataset == dataset], part))
    return Panels(panels)


def _strips(runs: pd.DataFrame, scores: list[CellScore]) -> Panel:
    scale = 1 if scores[0].metric == "mae" else 100
    label = {"accuracy": "accuracy (%)", "rocauc": "ROC-AUC (%)", "mae": "mean absolute error"}[
        scores[0].metric
    ]

    def paint(axes: Axes) -> None:
        for place, (score, colour) in enumerate(zip(scores, cycle(COLOURS), strict=False)):
            good = runs[(runs.model == score.model) & runs.error.isna()].sort_values("test_score")
            values = scale * good.test_score.to_numpy(dtype=float)
            axes.scatter(place - 0.08 + _apart(values), values, color=colour, s=22, alpha=0.75, linewidth=0)
            axes.hlines(score.mean, place - 0.33, place + 0.17, color=colour, linewidth=2.5)
            if score.printed is not None:
                axes.errorbar(
                    place + 0.3,
                    score.printed.mean,
                    score.printed.std,
                    fmt="D",
                    color=INK,
                    markersize=5,
                    capsize=3,
                )
        axes.set_xticks(range(len(scores)), [score.model for score in scores], rotation=20, fontsize=10)
        axes.set_xlim(-0.6, len(scores) - 0.4)
        axes.set_ylabel(label)
        axes.grid(axis="x", visible=False)

    printed = "; diamonds: as published, ± one deviation" if any(score.printed for score in scores) else ""
    return draw(paint, f"{scores[0].dataset}: one dot a seed, a line at their mean{printed}", width=4.6)


def _apart(values: np.ndarray) -> np.ndarray:
    """Sideways places for sorted ``values``, so that equal ones lie side by side and not on each other."""
    if not len(values):
        return values
    step = (values.max() - values.min()) / 25 or 1.0
    bins = np.round(values / step)
    offsets = np.empty(len(values))
    for number in np.unique(bins):
        here = np.flatnonzero(bins == number)
        offsets[here] = (np.arange(len(here)) - (len(here) - 1) / 2) * min(0.07, 0.44 / len(here))
    return offsets


def curve_bands(runs: pd.DataFrame, curve: str, label: str) -> Panel:
    """Of runs on one dataset: each model's mean over the seeds still training, and a band from their 10 % to their 90 % quantile.

    A model's line ends where half of its seeds have stopped: those that go on are those that still improve, and no fair sample.
    """
    models = list(dict.fromkeys(runs.model))

    def paint(axes: Axes) -> None:
        for model, colour in zip(models, cycle(COLOURS), strict=False):
            curves = [
                np.asarray(one[curve], dtype=float)
                for one in runs[runs.model == model].curves
                if curve in one
            ]
            longest = max(map(len, curves))
            values = np.full((len(curves), longest), np.nan)
            for row, one in enumerate(curves):
                values[row, : len(one)] = one
            going = (~np.isnan(values)).sum(0) >= len(curves) / 2
            epochs = 1 + np.flatnonzero(going)
            kept = values[:, going]
            low, high = np.nanquantile(kept, [0.1, 0.9], axis=0)
            axes.fill_between(epochs, low, high, color=colour, alpha=0.18, linewidth=0)
            axes.plot(
                epochs, np.nanmean(kept, 0), color=colour, linewidth=2, label=f"{model}, {len(curves)} seeds"
            )
        axes.set_xlabel("epoch")
        axes.set_ylabel(label)
        axes.legend(fontsize=10)

    dataset = runs.dataset.iloc[0]
    return draw(
        paint,
        f"{dataset}: {label}, mean of the seeds still training and their 10 % to 90 % band, until half have stopped",
        width=5.0,
    )
