"""Figures of the benchmark: ratios, and how cost grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rethinkpool_core.figures.panels import COLOURS, INK, Panel, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def speed_ratios(models: Sequence[Mapping[str, Any]]) -> Panel:
    """How many times as fast each model is as its plain form: a bar to the median, a line over the rounds."""

    def paint(axes: Axes) -> None:
        places = range(len(models), 0, -1)
        axes.barh(places, [entry["ratio"] for entry in models], color=COLOURS[0], height=0.6)
        for place, entry in zip(places, models, strict=True):
            axes.hlines(place, entry["least"], entry["largest"], color=INK, linewidth=2)
        axes.axvline(1, color=INK, linewidth=1)
        axes.set_yticks(places, [entry["model"] for entry in models])
        axes.set_xlim(left=0)
        axes.set_xlabel("times as fast as the plain form")
        axes.grid(axis="y", visible=False)

    return draw(paint, "An epoch of each model: median of the rounds, and their range", width=5.0)


_AXES = {"seeds": "seeds side by side", "nodes": "nodes of a graph", "graphs": "graphs in the dataset"}


def growth_curves(curves: Sequence[Mapping[str, Any]], axis: str, value: str) -> Panel:
    """How seconds or bytes of one model grow: the plain form in the ink of the text, ours in colours.

    A curve has points with a number under ``axis`` and one under ``value``; the plain curve over seeds has one point,
    drawn as a line across.
    """

    if value == "bytes":
        what, label, scale = "peak of memory", "MB", 1e-6
    elif axis == "graphs":
        what, label, scale = "time of an epoch for each seed", "s", 1.0
    else:
        what, label, scale = "time of a step for each seed", "ms", 1e3

    numbers = sorted({point[axis] for curve in curves for point in curve["points"]})

    def paint(axes: Axes) -> None:
        from matplotlib.ticker import LogLocator, NullLocator

        colours = iter(COLOURS)
        for curve in curves:
            plain = curve["side"] == "plain"
            style = {
                "color": INK if plain else next(colours),
                "linestyle": "--" if plain else "-",
                "linewidth": 2,
            }
            at = [point[axis] for point in curve["points"]]
            height = [scale * point[value] for point in curve["points"]]
            if plain and axis == "seeds":
                axes.axhline(height[0], label=whose(curve), **style)
            else:
                axes.plot(at, height, marker="o", markersize=5, label=whose(curve), **style)
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

    return draw(paint, f"{curves[0]['model']}: {what}, by {_AXES[axis]}")


def whose(curve: Mapping[str, Any]) -> str:
    """Whose cost a curve is."""
    if curve["side"] == "plain":
        return "plain"
    return {None: "side by side", 1: "one seed"}.get(curve["seeds"], f"{curve['seeds']} side by side")
