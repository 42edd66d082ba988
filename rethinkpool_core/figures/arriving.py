"""The comparison of a method with its twin as seeds come in: the static twin of `widgets.comparison`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rethinkpool_core.figures.svg import COLOURS, INK, SvgFigure, draw_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rethinkpool_core.analysis.equivalence import Comparison

_MARKERS = {
    "equivalent": (COLOURS[2], "o"),
    "different within the margin": (COLOURS[0], "D"),
    "different": (COLOURS[1], "s"),
    "undecided": (INK, "x"),
}


def arriving_seeds(found: Sequence[Comparison], shown: int | None = None) -> SvgFigure:
    """Draw the difference after each number of seeds with its confidence interval, markers for the verdicts, and the margin.

    found    `as_seeds_arrive`
    shown    draw only the comparisons of up to so many seeds, on axes that have room for all
    """
    drawn = [one for one in found if shown is None or one.seeds[0] <= shown]
    last, everything = drawn[-1], found[-1]

    def paint(axes: Axes) -> None:
        from matplotlib.ticker import MaxNLocator

        margin = everything.margin
        axes.axhspan(-margin, margin, color=INK, alpha=0.1, linewidth=0)
        axes.axhline(0, color=INK, linewidth=1)
        tested = [one for one in drawn if one.tested]
        if tested:
            counts = [one.seeds[0] for one in tested]
            lows, highs = [one.low for one in tested], [one.high for one in tested]
            axes.fill_between(counts, lows, highs, color=COLOURS[0], alpha=0.22, linewidth=0)
        axes.plot(
            [one.seeds[0] for one in drawn],
            [one.difference for one in drawn],
            color=COLOURS[0],
            linewidth=1.5,
        )
        for verdict, (colour, marker) in _MARKERS.items():
            part = [one for one in drawn if one.verdict == verdict]
            if part:
                axes.plot(
                    [one.seeds[0] for one in part],
                    [one.difference for one in part],
                    marker,
                    color=colour,
                    markersize=6,
                    label=verdict,
                )
        axes.set_xlim(1.5, everything.seeds[0] + 0.5)
        axes.set_ylim(*_limits(found))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_xlabel("seeds")
        unit = everything.scored_by.unit
        axes.set_ylabel(f"twin minus method ({unit}s)" if unit else "twin minus method")
        axes.figure.legend(loc="outside upper center", ncols=2, fontsize=10, handletextpad=0.2)

    caption = (
        f"{last.dataset}: {last.twin} minus {last.method} after 2 to {last.seeds[0]} seeds, with the "
        f"{100 * (1 - last.alpha):g} % interval; shaded: within {last.scored_by.amount(last.margin)}; now {last.verdict}"
    )
    return draw_svg(paint, caption)


def _limits(found: Sequence[Comparison]) -> tuple[float, float]:
    """Limits that hold every difference and every interval from the fifth seed on: the first few are wider than any picture."""
    ends = [one.difference for one in found] + [-1.5 * found[0].margin, 1.5 * found[0].margin]
    ends += [end for one in found[3:] or found if one.tested for end in (one.low, one.high)]
    low, high = np.min(ends), np.max(ends)
    room = 0.05 * (high - low)
    return float(low - room), float(high + room)
