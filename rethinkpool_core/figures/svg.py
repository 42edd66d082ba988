"""Figures as inline SVG in the text colour of the page: one file for light pages, dark pages and phones."""

from __future__ import annotations

import html
import io
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK = "#0a0b0c"  # placeholder for the colour of the surrounding text, replaced in the SVG
_STYLE = {
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _INK,
    "grid.alpha": 0.15,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "font.size": 12,
    "svg.fonttype": "none",
}
# Colours of Okabe and Ito that can be seen on white and on black.
COLOURS = ("#0f8fd4", "#e07b00", "#00a57c", "#c86fa6")
INK = _INK
"""The colour of the text around the figure."""


_DRAWING = threading.Lock()  # the style is matplotlib's, which all threads share


@dataclass(frozen=True)
class SvgFigure:
    """One figure with its caption, which also describes it to readers who cannot see it.

    min_width    CSS width below which the figure moves to a line of its own
    """

    svg: str = field(repr=False)
    caption: str
    min_width: str = "17rem"

    def _repr_html_(self) -> str:
        return (
            f'<figure style="flex: 1 1 {self.min_width}; max-width: 30rem; margin: 0 0 1rem 0">'
            f"{self.svg}"
            '<figcaption style="text-align: center; font-size: 0.9em">'
            f"{html.escape(self.caption)}</figcaption></figure>"
        )


@dataclass(frozen=True)
class FigureRow:
    """Figures side by side, or below each other where there is no room."""

    figures: Sequence[SvgFigure]

    def _repr_html_(self) -> str:
        inner = "".join(figure._repr_html_() for figure in self.figures)
        return (
            f'<div style="display: flex; flex-wrap: wrap; gap: 0 1rem; justify-content: center">{inner}</div>'
        )


@dataclass(frozen=True)
class FoldedRows:
    """Rows of figures under titles that open and close them; the first is open."""

    rows: Mapping[str, FigureRow]

    def _repr_html_(self) -> str:
        return "\n".join(
            f"<details{'' if number else ' open'}><summary>{html.escape(title)}</summary>{row._repr_html_()}</details>"
            for number, (title, row) in enumerate(self.rows.items())
        )


def draw_svg(
    paint: Callable[[Axes], None], caption: str, *, width: float = 4.4, height: float = 3.2
) -> SvgFigure:
    """Draw a figure of ``width`` by ``height`` inches by calling ``paint`` on a pair of axes.

    Figures of at most 3 inches, which have no numbers to read, go two to a line on a phone. Threads may draw at the same time.
    """
    import matplotlib
    from matplotlib.figure import Figure

    # The same figure gives the same file, and figures of other captions on a page have other ids.
    style = _STYLE | {"svg.hashsalt": f"rethinkpool {caption}"}
    with _DRAWING, matplotlib.rc_context(style):
        figure = Figure(figsize=(width, height), layout="constrained")
        paint(figure.add_subplot())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].replace(_INK, "currentColor")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # "axes_1" in every figure, to which nothing refers
    svg = re.sub(r"'DejaVu Sans'[^;\"]*", "system-ui, sans-serif", svg)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    opening = f'<svg role="img" aria-label="{html.escape(caption)}" style="width: 100%; height: auto"'
    svg = opening + svg.removeprefix("<svg")
    return SvgFigure(svg, caption, "17rem" if width > 3 else "8rem")


def as_file(figure: SvgFigure, *, ink: str = "#1f2328", sheet: str = "#ffffff") -> str:
    """Return a figure as the text of an SVG file, in the colour ``ink`` on a sheet of its own: legible on any page."""
    _, _, width, height = re.search(r'viewBox="([^"]*)"', figure.svg)[1].split()
    svg = figure.svg.replace(
        'style="width: 100%; height: auto"', f'width="{width}" height="{height}" color="{ink}"', 1
    )
    end = svg.index(">", svg.index("<svg")) + 1
    rectangle = f'\n <rect width="100%" height="100%" rx="8" fill="{sheet}"/>'
    return f'<?xml version="1.0" encoding="utf-8"?>\n{svg[:end]}{rectangle}{svg[end:].rstrip()}\n'
