"""Figures S2 to S13: the activations of one trained model after each of its main layers, and how alike nodes are there."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from rethinkpool_core.figures.heat_maps import heat_map
from rethinkpool_core.figures.svg import COLOURS, FigureRow, SvgFigure, draw_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rethinkpool_core.analysis.activations import TracedRun

_WIDTH, _HEIGHT = 96, 84  # of a matrix: one aspect ratio for all, as in the paper
_GAP, _LEFT, _TOP = 14, 74, 50


@dataclass(frozen=True)
class EmbeddingFigure:
    """Heat maps of activations, a row per graph and a column per layer; it scrolls inside itself where there is no room."""

    svg: str = field(repr=False)
    caption: str
    width: int

    def _repr_html_(self) -> str:
        return (
            '<figure style="margin: 0 0 1rem 0">'
            f'<div tabindex="0" role="group" aria-label="{html.escape(self.caption)}" style="overflow-x: auto">{self.svg}</div>'
            f'<figcaption style="font-size: 0.9em">{html.escape(self.caption)}</figcaption></figure>'
        )


def embedding_figure(traced: TracedRun) -> EmbeddingFigure:
    """Draw the activations of a model on its test graphs: one matrix (nodes x features) per graph and layer.

    Every matrix is drawn with the same width and height and with a colour scale of its own, so colours cannot be compared between
    matrices. Numbers in brackets are nodes, or clusters after pooling; the number below a layer is its relative spread over all
    test graphs (`analysis.smoothness`).
    """
    names = [spread.layer for spread in traced.spreads]
    width = _LEFT + len(names) * (_WIDTH + _GAP)
    height = _TOP + len(traced.graphs) * (_HEIGHT + 26)
    parts = [
        _text(_LEFT - 8, 15, "layer", "end", bold=True),
        _text(_LEFT - 8, 34, "spread", "end"),
    ]
    for column, spread in enumerate(traced.spreads):
        x = _LEFT + column * (_WIDTH + _GAP) + _WIDTH / 2
        parts.append(_text(x, 15, spread.layer, bold=True))
        parts.append(_text(x, 34, _amount(spread)))
    for row, graph in enumerate(traced.graphs):
        y = _TOP + row * (_HEIGHT + 26)
        parts.append(_text(_LEFT - 8, y + _HEIGHT / 2 - 4, "graph", "end"))
        parts.append(_text(_LEFT - 8, y + _HEIGHT / 2 + 12, str(graph.number), "end"))
        for column, name in enumerate(names):
            values = graph.layers[name]
            x = _LEFT + column * (_WIDTH + _GAP)
            parts.append(_image(x, y, values))
            parts.append(_text(x + _WIDTH / 2, y + _HEIGHT + 15, f"[{len(values)}]"))
    run = traced.run
    defined = [spread for spread in traced.spreads if spread.mean is not None]
    ends = [f"{_amount(spread)} after {spread.layer}" for spread in (defined[:1] + defined[-1:])]
    caption = (
        f"{run['model']} on {run['dataset']}: {len(traced.graphs)} test graphs, rows are nodes or clusters, columns features, "
        "each matrix on its own scale, dark to light. Spread, from 0 for nodes that are all alike, over all test graphs: "
        f"{', '.join(ends)}."
    )
    label = html.escape(caption)
    svg = (
        f'<svg role="img" aria-label="{label}" viewBox="0 0 {width} {height}" '
        f'style="width: 100%; min-width: {0.72 * width:.0f}px; max-width: {1.3 * width:.0f}px; height: auto" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )
    return EmbeddingFigure(svg, caption, width)


def _amount(spread) -> str:
    return "–" if spread.mean is None else f"{spread.mean:.2g}"


def _image(x: float, y: float, values: np.ndarray) -> str:
    return (
        f'<image x="{x:g}" y="{y:g}" width="{_WIDTH}" height="{_HEIGHT}" preserveAspectRatio="none" '
        f'style="image-rendering: pixelated" href="{heat_map(values)}"/>'
    )


def _text(x: float, y: float, text: str, anchor: str = "middle", *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="currentColor"{weight} '
        f'style="font: {"bold " if bold else ""}13px system-ui, sans-serif">{html.escape(text)}</text>'
    )


def spread_profiles(runs: Sequence[TracedRun]) -> FigureRow:
    """Draw the relative spread of nodes after each layer, a figure per model: mean and SD over the test graphs."""
    return FigureRow([_spread_profile(traced) for traced in runs])


def _spread_profile(traced: TracedRun) -> SvgFigure:
    spreads = [spread for spread in traced.spreads if spread.mean is not None]

    def paint(axes: Axes) -> None:
        x = np.arange(len(spreads))
        means = np.array([spread.mean for spread in spreads])
        stds = np.array([spread.std or 0.0 for spread in spreads])
        bars = np.stack([np.minimum(stds, means), stds])  # a spread is not negative
        axes.errorbar(
            x, means, bars, color=COLOURS[0], marker="o", markersize=6, linewidth=2, elinewidth=1.2, capsize=3
        )
        axes.set_xticks(
            x, [spread.layer for spread in spreads], rotation=30, ha="right", rotation_mode="anchor"
        )
        axes.margins(x=0.12)
        axes.set_ylim(0, 1)
        axes.set_ylabel("relative spread")
        axes.grid(axis="x", visible=False)

    run = traced.run
    caption = f"{run['model']} on {run['dataset']}: spread after each layer, mean ± SD over {spreads[0].graphs} test graphs"
    return draw_svg(paint, caption, width=3.4, height=2.9)
