"""Accuracy on RINGS-r over how far nodes see beyond the windows that the two classes share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rethinkpool_core.figures.svg import COLOURS, INK, FigureRow, SvgFigure, draw_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rethinkpool_core.analysis.ring_predictions import RingScore

PANELS = (
    ("NO-POOL",),
    ("GRACLUS", "COMPLEMENT"),
    ("MINCUTPOOL", "N-MINCUTPOOL"),
    ("DIFFPOOL-V2", "N-DIFFPOOL-V2"),
    ("GMN", "RANDOM-GMN"),
)
"""Models that share a panel: a method and its twin."""

_MARKERS = {1: "o", 2: "s", 3: "D"}


def accuracy_over_reach(scores: Sequence[RingScore]) -> FigureRow:
    """Draw a panel per method and its twin: mean accuracy over c - r with its standard deviation, a line per model and radius.

    c is the number of convolutions before the first pooling and r the radius. The method has filled markers and full lines, the
    twin open markers and dashed lines. Where c <= r, shaded, no node sees what sets the classes apart.

    scores  those with a mean are drawn; a panel without any is left out
    """
    figures = []
    for models in PANELS:
        part = [one for one in scores if one.model in models and one.mean is not None]
        if part:
            figures.append(_panel(models, part))
    return FigureRow(figures)


def _panel(models: Sequence[str], scores: Sequence[RingScore]) -> SvgFigure:
    def paint(axes: Axes) -> None:
        axes.axvspan(-2.4, 0.4, color=INK, alpha=0.08, linewidth=0)
        axes.axhline(50, color=INK, linewidth=1)
        for number, model in enumerate(models):
            for radius, marker in _MARKERS.items():
                line = sorted(
                    (one for one in scores if (one.model, one.radius) == (model, radius)),
                    key=lambda one: one.convolutions,
                )
                if not line:
                    continue
                colour = COLOURS[radius - 1]
                shift = 0.05 * (radius - 2) + 0.1 * number
                axes.errorbar(
                    [one.convolutions - radius + shift for one in line],
                    [one.mean for one in line],
                    [one.std or 0 for one in line],
                    color=colour,
                    marker=marker,
                    markersize=6,
                    markerfacecolor=colour if number == 0 else "none",
                    linestyle="-" if number == 0 else "--",
                    linewidth=1.4,
                    elinewidth=0.9,
                    label=f"{model}, r = {radius}",
                )
        axes.set_xlim(-2.4, 3.4)
        axes.set_xticks(range(-2, 4))
        axes.set_ylim(min(44, min(one.mean - (one.std or 0) for one in scores) - 1), 102)
        axes.set_xlabel("c - r")
        axes.set_ylabel("test accuracy (%)")
        axes.figure.legend(loc="outside lower center", ncols=len(models), fontsize=9)

    return draw_svg(paint, _caption(models, scores), width=4.6, height=4.2)


def _caption(models: Sequence[str], scores: Sequence[RingScore]) -> str:
    said = []
    for model in models:
        for name, part in (
            (
                "up to c = r",
                [one.mean for one in scores if one.model == model and one.convolutions <= one.radius],
            ),
            ("beyond", [one.mean for one in scores if one.model == model and one.convolutions > one.radius]),
        ):
            if part:
                low, high = f"{min(part):.0f}", f"{max(part):.0f}"
                said.append(f"{model} {name}: {low if low == high else f'{low} to {high}'} %")
    return (
        f"{' and '.join(models)}, mean and standard deviation over seeds; shaded: c at most r. "
        + "; ".join(said)
    )
