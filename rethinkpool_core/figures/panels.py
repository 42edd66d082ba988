"""Figures as inline SVG that takes the page's own ink: one picture for light, dark and a phone."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK = "#0a0b0c"  # stands for the colour of the text around the figure; replaced in the SVG
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
    "svg.hashsalt": "rethinkpool",  # the same figure is the same file
}
# Okabe and Ito's colours that stand out on white and on black alike.
COLOURS = ("#0f8fd4", "#e07b00", "#00a57c", "#c86fa6")
INK = _INK
"""Draw in this colour what should have the colour of the text."""


@dataclass(frozen=True)
class Panel:
    """One picture: ``svg`` and the line under it, which also describes it to who cannot see it."""

    svg: str
    caption: str
    room: str = "17rem"  # width below which the panel rather goes to a line of its own

    def _repr_html_(self) -> str:
        return (
            f'<figure style="flex: 1 1 {self.room}; max-width: 30rem; margin: 0 0 1rem 0">'
            f"{self.svg}"
            '<figcaption style="text-align: center; font-size: 0.9em">'
            f"{html.escape(self.caption)}</figcaption></figure>"
        )


@dataclass(frozen=True)
class Panels:
    """Pictures side by side, or below each other where there is no room."""

    panels: Sequence[Panel]

    def _repr_html_(self) -> str:
        inner = "".join(panel._repr_html_() for panel in self.panels)
        return (
            f'<div style="display: flex; flex-wrap: wrap; gap: 0 1rem; justify-content: center">{inner}</div>'
        )


def draw(paint: Callable[[Axes], None], caption: str, *, width: float = 4.4, height: float = 3.2) -> Panel:
    """Let ``paint`` fill one pair of axes, ``width`` by ``height`` inches, and return it as a panel.

    Small panels, which have no numbers to read, go two to a line on a phone.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        paint(figure.add_subplot())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].replace(_INK, "currentColor")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r"font: ([^;\"']*?)([\d.]+px) [^;\"]*", r"font: \1\2 system-ui, sans-serif", svg)
    opening = f'<svg role="img" aria-label="{html.escape(caption)}" style="width: 100%; height: auto"'
    svg = re.sub(r'<svg([^>]*?) width="[^"]*"', rf"{opening}\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    return Panel(svg, caption, "17rem" if width > 3 else "8rem")
