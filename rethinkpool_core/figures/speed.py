"""Figures of the benchmark: speed-ups, and how cost grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rethinkpool_core.figures.svg import COLOURS, INK, SvgFigure, draw_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def speedups(models: Sequence[Mapping[str, Any]]) -> SvgFigure:
    """Draw the speed-up of each model over the baseline: a bar for the median, a line for the range over rounds."""

    def paint(axes: Axes) -> None:
        positions = range(len(models), 0, -1)
        axes.barh(positions, [entry["speedup"] for entry in models], color=COLOURS[0], height=0.6)
        for position, entry in zip(positions, models, strict=True):
            axes.hlines(position, entry["min"], entry["max"], color=INK, linewidth=2)
        axes.axvline(1, color=INK, linewidth=1)
        axes.set_yticks(positions, [entry["model"] for entry in models])
        axes.set_xlim(left=0)
        axes.set_xlabel("speed-up over the baseline")
        axes.grid(axis="y", visible=False)

    return draw_svg(paint, "Speed-up of an epoch of each model: median and range over rounds", width=5.0)


_AXES = {"seeds": "stacked seeds", "nodes": "nodes per graph", "graphs": "graphs in the dataset"}


def growth_curves(curves: Sequence[Mapping[str, Any]], axis: str, value: str) -> SvgFigure:
    """Draw how seconds or bytes of one model grow: the baseline in the colour of the text, ours in others.

    Each point of a curve has a number under ``axis`` and one under ``value``. The baseline's curve over seeds has one point and
    is drawn as a horizontal line.
    """

    if value == "bytes":
        what, label, scale = "peak memory", "MB", 1e-6
    elif axis == "graphs":
        what, label, scale = "time per epoch and seed", "s", 1.0
    else:
        what, label, scale = "time per step and seed", "ms", 1e3

    numbers = sorted({point[axis] for curve in curves for point in curve["points"]})

    def paint(axes: Axes) -> None:
        from matplotlib.ticker import LogLocator, NullLocator

        colours = iter(COLOURS)
        for curve in curves:
            baseline = curve["implementation"] == "baseline"
            style = {
                "color": INK if baseline else next(colours),
                "linestyle": "--" if baseline else "-",
                "linewidth": 2,
            }
            at = [point[axis] for point in curve["points"]]
            height = [scale * point[value] for point in curve["points"]]
            if baseline and axis == "seeds":
                axes.axhline(height[0], label=curve_label(curve), **style)
            else:
                axes.plot(at, height, marker="o", markersize=5, label=curve_label(curve), **style)
        axes.set_xscale("log")
        axes.set_xticks(numbers, [f"{number:g}" for number in numbers])
        axes.xaxis.set_minor_locator(NullLocator())
        if axis == "seeds" and value == "seconds":
            axes.set_ylim(bottom=0)
        else:
            axes.set_yscale("log")
            heights = [point[value] for curve in curves for point in curve["points"]]
            wide = max(heights) > 200 * min(heights)
            axes.yaxis.set_major_locator(LogLocator(subs=(1,) if wide else (1, 2, 5)))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_locator(NullLocator())
        axes.set_xlabel(_AXES[axis])
        axes.set_ylabel(label)
        axes.legend()

    return draw_svg(paint, f"{curves[0]['model']}: {what}, by {_AXES[axis]}")


def curve_label(curve: Mapping[str, Any]) -> str:
    """Return the label of a curve: the baseline, or the number of stacked seeds."""
    if curve["implementation"] == "baseline":
        return "baseline"
    return {None: "stacked seeds", 1: "one seed"}.get(curve["seeds"], f"{curve['seeds']} seeds")
