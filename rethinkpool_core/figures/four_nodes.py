"""Drawings of the four-node graph before and after a pooling layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rethinkpool_core.analysis.four_nodes import EDGES, WorkedExample
from rethinkpool_core.figures.svg import COLOURS, INK, SvgFigure, draw_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NODES = np.array([[0.0, 0.8], [0.0, -0.8], [1.25, 0.0], [2.5, 0.0]])
_LABELS = ((-0.5, 0.8), (-0.5, -0.8), (1.25, 0.55), (2.5, 0.55))
_CLUSTERS = {
    2: np.array([[4.9, 0.0], [6.9, 0.0]]),
    3: np.array([[4.9, 0.75], [4.9, -0.75], [6.6, 0.0]]),
}
_RADIUS = 0.3


def draw_four_nodes() -> SvgFigure:
    """Draw the graph alone, with the numbers of its nodes."""

    def paint(axes: Axes) -> None:
        from matplotlib.patches import Circle

        _edges(axes)
        for number, (place, label) in enumerate(zip(_NODES, _LABELS, strict=True), start=1):
            axes.add_patch(Circle(place, _RADIUS, facecolor=COLOURS[0], edgecolor=INK, zorder=2))
            _write(axes, *label, str(number))
        axes.set_xlim(-3.0, 5.6)
        _frame(axes)

    caption = "The graph of four nodes: a triangle of 1, 2 and 3, and node 4 joined to 3"
    return draw_svg(paint, caption, width=4.8, height=1.9)


def draw_example(example: WorkedExample) -> SvgFigure:
    """Draw the graph with a pie of S per node, and the pooled graph with the entries of A' at its edges and clusters."""
    K = example.S.shape[1]
    if K not in _CLUSTERS:
        raise ValueError(f"only {sorted(_CLUSTERS)} clusters can be drawn, not {K}")

    def paint(axes: Axes) -> None:
        _edges(axes)
        for number, (place, label, row) in enumerate(zip(_NODES, _LABELS, example.S, strict=True), start=1):
            _pie(axes, place, row)
            _write(axes, *label, str(number))
        axes.annotate(
            "", (4.2, 0.0), (3.2, 0.0), arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.4}
        )
        _pooled(axes, example, _CLUSTERS[K])
        axes.set_xlim(-0.9, 7.7)
        _frame(axes)

    return draw_svg(paint, _caption(example, K), width=4.8, height=1.9)


def _caption(example: WorkedExample, K: int) -> str:
    left = f"{example.model}: each node as a pie of its row of S"
    return f"{left}; {K} clusters" + (", without edges" if example.A is None else " and the entries of A'")


def _pooled(axes: Axes, example: WorkedExample, places: np.ndarray) -> None:
    from matplotlib.patches import Circle

    A = example.A
    for k, place in enumerate(places):
        axes.add_patch(Circle(place, 1.3 * _RADIUS, facecolor=COLOURS[k], edgecolor=INK, zorder=3))
        if A is not None and A[k, k] > 0:
            _write(axes, place[0], place[1] + 0.75, f"{A[k, k]:.2f}")
    if A is None:
        return
    for i in range(len(places)):
        for j in range(i):
            if A[i, j] > 0:
                ends = places[[i, j]]
                axes.plot(*ends.T, color=INK, linewidth=1 + 2 * A[i, j] / A.max(), alpha=0.7, zorder=1)
                x, y = ends.mean(0)
                above = 0.28 * (1 if y >= 0 else -1) if ends[0, 0] != ends[1, 0] else 0.0
                beside = 0.0 if above else -0.35
                text = f"{A[i, j]:g}" if A[i, j] == round(A[i, j]) else f"{A[i, j]:.2f}"
                _write(axes, x + beside, y + above, text)


def _pie(axes: Axes, place: np.ndarray, shares: np.ndarray) -> None:
    from matplotlib.patches import Circle, Wedge

    start = 90.0
    for k, share in enumerate(shares):
        if share > 0:
            axes.add_patch(Wedge(place, _RADIUS, start, start + 360 * share, facecolor=COLOURS[k], zorder=2))
            start += 360 * share
    axes.add_patch(Circle(place, _RADIUS, fill=False, edgecolor=INK, zorder=3))


def _edges(axes: Axes) -> None:
    for u, v in EDGES:
        axes.plot(*_NODES[[u, v]].T, color=INK, linewidth=1.4, alpha=0.7, zorder=1)


def _write(axes: Axes, x: float, y: float, text: str) -> None:
    axes.text(x, y, text, ha="center", va="center", fontsize=12)


def _frame(axes: Axes) -> None:
    axes.set_ylim(-1.25, 1.25)
    axes.set_aspect("equal")
    axes.set_axis_off()
