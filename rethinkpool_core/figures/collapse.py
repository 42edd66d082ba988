"""How far MINCUTPOOL's assignments are from equal rows, over how smooth the features are that they are computed from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rethinkpool_core.figures.svg import COLOURS, INK, SvgFigure, draw_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rethinkpool_core.analysis.collapsed_assignments import Collapse
    from rethinkpool_core.analysis.smoothest_direction import Smoothness

_KINDS = (("Table S5", "o"), ("DIGITS", "s"), ("RINGS", "D"))
_LABELLED_BELOW = 0.999


def collapse_over_smoothness(found: Sequence[tuple[Collapse, Smoothness]]) -> SvgFigure:
    """Draw a point per cell: its orthogonality loss as a percentage of the largest, over lambda / tau; a line from least to most.

    Where lambda / tau is below 1, shaded, equal rows are no minimum of the auxiliary losses.
    """
    rows = [(one, smooth.ratio) for one, smooth in found]

    def paint(axes: Axes) -> None:
        axes.axvspan(0.01, 1, color=INK, alpha=0.08, linewidth=0)
        for (kind, marker), colour in zip(_KINDS, COLOURS, strict=False):
            part = [(one, ratio) for one, ratio in rows if _kind(one) == kind]
            if not part:
                continue
            means = [100 * one.mean for one, _ in part]
            ends = [[100 * (one.mean - min(one.orthogonality)) for one, _ in part]]
            ends += [[100 * (max(one.orthogonality) - one.mean) for one, _ in part]]
            ratios = [ratio for _, ratio in part]
            axes.errorbar(
                ratios, means, ends, color=colour, marker=marker, linestyle="none", elinewidth=0.9, label=kind
            )
        for one, ratio in rows:
            if one.mean < _LABELLED_BELOW and _kind(one) != "RINGS":  # too close to each other for names
                axes.annotate(
                    _name(one),
                    (ratio, 100 * one.mean),
                    xytext=(6, -4),
                    textcoords="offset points",
                    fontsize=9,
                    color=INK,
                )
        axes.set_xscale("log")
        ratios = [ratio for _, ratio in rows]
        axes.set_xlim(0.8 * min(*ratios, 1), 1.25 * max(*ratios, 1))
        axes.set_xticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
        axes.minorticks_off()
        axes.set_xlabel("λ / τ")
        axes.set_ylabel("orthogonality loss (% of its largest)")
        axes.figure.legend(loc="outside lower center", ncols=len(_KINDS), fontsize=9)

    return draw_svg(paint, _caption(rows), width=6, height=4)


def _kind(one: Collapse) -> str:
    return next((kind for kind, _ in _KINDS[1:] if one.dataset.startswith(kind)), _KINDS[0][0])


def _name(one: Collapse) -> str:
    return one.dataset if _kind(one) == _KINDS[0][0] else f"{one.dataset}, c = {one.convolutions}"


def _caption(rows: Sequence[tuple[Collapse, float]]) -> str:
    said = []
    for where, part in (
        ("below 1", [one.mean for one, ratio in rows if ratio < 1]),
        ("above", [one.mean for one, ratio in rows if ratio >= 1]),
    ):
        if part:
            said.append(f"{where}, {100 * min(part):.1f} to {100 * max(part):.1f} % in {len(part)} cells")
    return (
        "Orthogonality loss of trained models over λ / τ, mean and range over the seeds; 100 %: all rows of S are equal. "
        f"Where λ / τ is {'; '.join(said)}."
    )
