"""Histograms of datasets, from their counts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from rethinkpool_core.figures.svg import COLOURS, INK, FigureRow, SvgFigure, draw_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rethinkpool_core.datasets.counts import DatasetCounts, Histogram

_BINS = 36
_MARKS = 5  # ticks of a logarithmic axis
_LONG_TAIL = 6  # largest value over median, from which the axis is logarithmic


def size_histograms(counts: Iterable[DatasetCounts]) -> FigureRow:
    """Return a histogram of the nodes per graph for each dataset whose graphs differ in size, with the mean as a line."""
    return FigureRow([size_histogram(one) for one in counts if len(one.sizes) > 1])


def size_histogram(counts: DatasetCounts) -> SvgFigure:
    """Return the histogram of the nodes per graph of one dataset."""
    mean, largest = counts.mean_nodes, counts.max_nodes
    caption = f"{counts.name}: nodes per graph. Line: mean {mean:.1f}; largest {largest}"
    return _histogram(counts.name, counts.sizes, mean, "nodes per graph", "graphs", caption)


def degree_histograms(counts: Iterable[DatasetCounts]) -> FigureRow:
    """Return a histogram of the in-degrees of all nodes for each dataset whose nodes differ in it, with the mean as a line."""
    return FigureRow([_degree_histogram(one) for one in counts if len(one.degrees) > 1])


def _degree_histogram(counts: DatasetCounts) -> SvgFigure:
    nodes = sum(counts.degrees.values())
    mean = sum(degree * count for degree, count in counts.degrees.items()) / nodes
    caption = f"{counts.name}: neighbours per node. Line: mean {mean:.1f}; most {max(counts.degrees)}"
    return _histogram(counts.name, counts.degrees, mean, "in-degree of a node", "nodes", caption)


def _histogram(
    name: str, histogram: Histogram, mean: float, label: str, count_label: str, caption: str
) -> SvgFigure:
    values, weights = np.array(list(histogram)), np.array(list(histogram.values()))
    logarithmic = values.max() > _LONG_TAIL * max(_median(values, weights), 1)
    if logarithmic and 0 in histogram:
        caption += f". Not drawn, as the axis is logarithmic: {histogram[0]} {count_label} with 0"

    def paint(axes: Axes) -> None:
        from matplotlib.ticker import NullLocator

        axes.hist(values, bins=_bins(values, logarithmic), weights=weights, color=COLOURS[0])
        axes.axvline(mean, color=INK, linewidth=1.2)
        if logarithmic:
            axes.set_xscale("log")
            axes.set_xticks(_marks(int(values.min()), int(values.max())))
            axes.xaxis.set_major_formatter("{x:g}")
            axes.xaxis.set_minor_locator(NullLocator())
        else:
            axes.xaxis.get_major_locator().set_params(integer=True, nbins=6)
        axes.yaxis.set_major_formatter(lambda y, _: f"{y / 1000:g}k" if y >= 10000 else f"{y:g}")
        axes.yaxis.get_major_locator().set_params(nbins=4)
        axes.set_title(name, fontsize=12)
        axes.set_xlabel(label)
        axes.set_ylabel(count_label)
        axes.grid(axis="x", visible=False)

    return draw_svg(paint, caption, width=3.3, height=2.5)


def _median(values: np.ndarray, weights: np.ndarray) -> float:
    return float(values[np.searchsorted(weights.cumsum(), weights.sum() / 2)])


def _marks(low: int, high: int) -> list[int]:
    """Return the ticks of a logarithmic axis, no more than there is room for."""
    for digits in ((1, 2, 5), (1, 3), (1,)):
        marks = [digit * 10**power for power in range(7) for digit in digits]
        marks = [mark for mark in marks if low <= mark <= high]
        if len(marks) <= _MARKS:
            break
    return marks


def _bins(values: np.ndarray, logarithmic: bool) -> np.ndarray:
    """Return edges of bins between whole numbers.

    There are equally many numbers in each or, on a logarithmic axis, as many as equal ratios would have, and never fewer than in
    the bin before: bins of one and of two numbers in turn would be a comb.
    """
    low, high = max(int(values.min()), 1 if logarithmic else 0), int(values.max())
    if logarithmic:
        growth = ((high + 1) / low) ** (1 / _BINS) - 1
        edges, step = [low], 1
        while edges[-1] <= high:
            step = max(step, int(growth * edges[-1]))
            edges.append(edges[-1] + step)
        return np.array(edges) - 0.5
    step = max(1, -(-(high - low + 1) // _BINS))
    return np.arange(low, high + step + 1, step) - 0.5
