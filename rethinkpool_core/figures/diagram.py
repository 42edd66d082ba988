"""Diagrams of boxes from top to bottom as SVG, narrow enough for a phone and in the text colour of the page."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from rethinkpool_core.figures.svg import COLOURS, SvgFigure

_WIDTH, _MARGIN = 360, 6
_BOX, _HALF = 288, 138  # width of a box, and of one of two side by side
_LINE, _PAD, _GAP, _FRAME = 19, 9, 24, 14
_COLOUR = {"conv": COLOURS[0], "pool": COLOURS[1], "readout": COLOURS[2], "data": "currentColor"}


@dataclass(frozen=True)
class Step:
    """A box.

    kind   "data", "conv", "pool" or "readout"
    lines  its text, the first line bold
    """

    kind: str
    lines: tuple[str, ...]

    @property
    def height(self) -> int:
        return 2 * _PAD + _LINE * len(self.lines)


@dataclass(frozen=True)
class Fork:
    """Two boxes side by side, both between the box above and the box below."""

    left: Step
    right: Step

    @property
    def height(self) -> int:
        return max(self.left.height, self.right.height)


@dataclass(frozen=True)
class Repeat:
    """Boxes that are repeated, in a frame whose label says how often."""

    label: str
    steps: tuple[Step | Fork, ...]


def draw_diagram(parts: Sequence[Step | Fork | Repeat], caption: str) -> SvgFigure:
    """Draw boxes one below the other, joined by arrows."""
    drawing = _Drawing()
    for part in parts:
        if isinstance(part, Repeat):
            drawing.repeat(part)
        else:
            drawing.box(part)
    height = drawing.bottom + _MARGIN
    svg = (
        f'<svg role="img" aria-label="{html.escape(caption)}" viewBox="0 0 {_WIDTH} {height}" '
        'style="width: 100%; max-width: 25rem; height: auto; display: block; margin: 0 auto" '
        'font-family="system-ui, sans-serif" font-size="14" fill="currentColor">\n'
        + "\n".join(drawing.elements)
        + "\n</svg>"
    )
    return SvgFigure(svg, caption)


class _Drawing:
    """SVG elements so far.

    y       where the next box begins
    bottom  where the last box or frame ended
    above   the last box with its lower edge, None before the first
    """

    def __init__(self):
        self.elements: list[str] = []
        self.y = self.bottom = _MARGIN
        self.above: tuple[Step | Fork, int] | None = None

    def box(self, part: Step | Fork) -> None:
        if self.above is not None:
            before, edge = self.above
            forked = before if isinstance(before, Fork) else part
            self.elements += [_arrow(x, edge, self.y) for x in _centres(forked)]
        if isinstance(part, Fork):
            self._rectangle(part.left, _centres(part)[0], _HALF, part.height)
            self._rectangle(part.right, _centres(part)[1], _HALF, part.height)
        else:
            self._rectangle(part, _WIDTH // 2, _BOX, part.height)
        self.bottom = self.y + part.height
        self.above, self.y = (part, self.bottom), self.bottom + _GAP

    def repeat(self, part: Repeat) -> None:
        top = self.y
        self.y += _FRAME
        for step in part.steps:
            self.box(step)
        self.bottom += _FRAME + _LINE
        self.y = self.bottom + _GAP
        self.elements.append(
            f'<rect x="{_MARGIN}" y="{top}" width="{_WIDTH - 2 * _MARGIN}" height="{self.bottom - top}" rx="12" '
            'fill="none" stroke="currentColor" stroke-dasharray="5 4" stroke-opacity="0.8"/>'
        )
        self.elements.append(
            f'<text x="{_WIDTH - 20}" y="{self.bottom - 12}" text-anchor="end">{html.escape(part.label)}</text>'
        )

    def _rectangle(self, step: Step, centre: int, width: int, height: int) -> None:
        colour = _COLOUR[step.kind]
        self.elements.append(
            f'<rect x="{centre - width // 2}" y="{self.y}" width="{width}" height="{height}" rx="8" '
            f'fill="{colour}" fill-opacity="0.14" stroke="{colour}" stroke-width="1.5"/>'
        )
        first = self.y + (height - _LINE * len(step.lines)) / 2 + 14
        for number, line in enumerate(step.lines):
            weight = ' font-weight="600"' if number == 0 else ""
            self.elements.append(
                f'<text x="{centre}" y="{first + _LINE * number:g}" text-anchor="middle"{weight}>{html.escape(line)}</text>'
            )


def _centres(part: Step | Fork) -> tuple[int, ...]:
    """Return the middle of each box."""
    if isinstance(part, Fork):
        apart = (_BOX - _HALF) // 2
        return _WIDTH // 2 - apart, _WIDTH // 2 + apart
    return (_WIDTH // 2,)


def _arrow(x: int, y_from: int, y_to: int) -> str:
    return (
        f'<path d="M{x} {y_from} V{y_to - 2} M{x - 4} {y_to - 8} L{x} {y_to - 2} L{x + 4} {y_to - 8}" '
        'fill="none" stroke="currentColor" stroke-width="1.4"/>'
    )
