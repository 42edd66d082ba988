"""Figures of Appendix C: how much predictions change when the nodes of a graph are listed in another order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rethinkpool_core.figures.graphs import DrawnGraph, draw_nodes
from rethinkpool_core.figures.svg import COLOURS, INK, FigureRow, SvgFigure, draw_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rethinkpool_core.analysis.invariance import InvarianceCheck

_FLOOR = 1e-17  # where a change of exactly 0 is drawn


def change_strips(checks: Sequence[InvarianceCheck], tolerance: float) -> SvgFigure:
    """Strip plot on a logarithmic axis: a dot per graph for the largest change of its logits, a row per model."""

    def paint(axes: Axes) -> None:
        from matplotlib.ticker import LogLocator, NullLocator

        axes.axvspan(_FLOOR / 3, tolerance, color=INK, alpha=0.08, linewidth=0)
        generator = np.random.default_rng(0)
        for row, check in enumerate(checks):
            values = np.maximum(check.changes.numpy(), _FLOOR)
            heights = row + generator.uniform(-0.22, 0.22, len(values))
            colour, marker = (COLOURS[0], "o") if check.is_invariant else (COLOURS[1], "D")
            axes.scatter(values, heights, color=colour, marker=marker, s=12, alpha=0.6, linewidth=0)
        axes.set_xscale("log")
        axes.set_xlim(_FLOOR / 3, 30)
        axes.xaxis.set_major_locator(LogLocator(numticks=8))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_yticks(range(len(checks)), [check.model for check in checks], fontsize=10)
        axes.set_ylim(len(checks) - 0.4, -0.6)
        axes.set_xlabel("change of the logits / their SD over graphs")
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)

    invariant = sum(check.is_invariant for check in checks)
    caption = (
        f"Largest change of a logit per graph over {len(checks[0].permuted)} permutations: {invariant} models (circles) "
        f"stay within rounding (shaded), {len(checks) - invariant} (diamonds) do not"
    )
    return draw_svg(paint, caption, width=4.8, height=1.0 + 0.26 * len(checks))


def logits_before_and_after(check: InvarianceCheck, graph: int) -> SvgFigure:
    """Draw the logits of one graph before its nodes are permuted (circles) and after each permutation (diamonds).

    A logit is drawn minus its mean over the graphs, divided by its standard deviation.
    """
    mean, spread = check.logits.mean(0), check.logits.std(0)
    before = ((check.logits[graph] - mean) / spread).numpy()
    after = ((check.permuted[:, graph] - mean) / spread).numpy()

    def paint(axes: Axes) -> None:
        outputs = np.arange(len(before))
        for values in after:
            axes.scatter(
                outputs, values, color=COLOURS[1], marker="D", s=22, alpha=0.7, linewidth=0, zorder=2
            )
        axes.scatter(outputs, before, facecolor="none", edgecolor=COLOURS[0], linewidth=1.8, s=80, zorder=3)
        axes.set_xticks(outputs)
        axes.margins(x=0.08)
        axes.set_xlabel("output")
        axes.set_ylabel("logit, in SD over graphs")
        axes.grid(axis="x", visible=False)

    caption = f"{check.model}: circles before, diamonds after each of {len(after)} permutations"
    return draw_svg(paint, caption)


def two_orders(graph: DrawnGraph, order: np.ndarray) -> FigureRow:
    """Draw a graph twice, coloured by the position of each node: in the dataset, and with node ``order[i]`` at position i."""
    return FigureRow(
        [
            draw_nodes(graph, np.arange(len(order)), "nodes in the order of the dataset, from dark to light"),
            draw_nodes(graph, np.argsort(order), "the same graph, its nodes in another order"),
        ]
    )
