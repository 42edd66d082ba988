"""Figures of Appendix D: GMN's unsupervised loss along a line of keys and on a plane of keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from rethinkpool_core.figures.svg import COLOURS, INK, SvgFigure, draw_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def loss_lines(steps: np.ndarray, losses: Mapping[str, np.ndarray]) -> SvgFigure:
    """Draw the loss along lines of keys: a line per name, at 0 for the keys of that name and at 1 for collapsed keys."""

    def paint(axes: Axes) -> None:
        for (name, values), colour, style in zip(losses.items(), COLOURS, ("-", "--", ":"), strict=False):
            axes.plot(steps, values, color=colour, linestyle=style, linewidth=2, label=f"from {name}")
        axes.axvline(1, color=INK, linewidth=1)
        axes.plot(1, 0, "o", color=INK, markersize=6)
        axes.set_ylim(bottom=0)
        axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 2), useMathText=False)
        axes.set_xlabel("0: keys as they are, 1: collapsed")
        axes.set_ylabel("unsupervised loss")
        axes.set_xticks(range(int(steps[0]), int(steps[-1]) + 1))
        axes.figure.legend(loc="outside upper right", ncols=2, fontsize=10, handlelength=1.6)

    caption = "Unsupervised loss on straight lines from keys to collapsed ones: it falls to exactly 0 there"
    return draw_svg(paint, caption)


def loss_surface(
    xs: np.ndarray, ys: np.ndarray, losses: np.ndarray, points: Mapping[str, tuple[float, float]]
) -> SvgFigure:
    """Draw the loss (len(ys), len(xs)) on a plane of keys, dark where it is small, with named points."""

    def paint(axes: Axes) -> None:
        from matplotlib.colors import PowerNorm
        from matplotlib.patheffects import withStroke

        scale = PowerNorm(0.5, 0, losses.max())  # the valley has values much smaller than its sides
        mesh = axes.pcolormesh(xs, ys, losses, cmap="cividis", norm=scale, shading="gouraud", rasterized=True)
        levels = losses.max() * np.array([0.001, 0.01, 0.05, 0.2, 0.5])
        axes.contour(xs, ys, losses, levels=levels, colors="white", linewidths=0.6, alpha=0.7)
        halo = [withStroke(linewidth=2.5, foreground="black")]
        for (name, (x, y)), marker in zip(points.items(), "oDs^", strict=False):
            axes.plot(x, y, marker, color="white", markeredgecolor="black", markersize=8)
            right = x > (xs[0] + xs[-1]) / 2
            axes.annotate(
                name,
                (x, y),
                xytext=(-7 if right else 7, 7),
                textcoords="offset points",
                ha="right" if right else "left",
                color="white",
                fontsize=10,
                path_effects=halo,
            )
        bar = axes.figure.colorbar(mesh, ax=axes, pad=0.02)
        bar.outline.set_visible(False)
        bar.formatter.set_powerlimits((-2, 2))
        axes.set_xlabel("distance towards initial keys")
        axes.set_ylabel("towards trained keys")
        axes.grid(visible=False)

    caption = (
        f"Unsupervised loss on the plane through {', '.join(list(points)[:-1])} and {list(points)[-1]} keys: "
        "dark is small, on a square-root scale"
    )
    return draw_svg(paint, caption, width=4.8, height=3.4)
