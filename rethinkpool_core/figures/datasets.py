"""Figures of datasets: histograms of sizes, and sample graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rethinkpool_core.figures.graphs import DrawnGraph, draw_nodes
from rethinkpool_core.figures.svg import COLOURS, FigureRow, SvgFigure, draw_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rethinkpool_core.datasets.dataset import GraphDataset


def size_histograms(dataset: GraphDataset) -> FigureRow:
    """Histograms of the nodes per graph and of the in-degrees of all nodes."""
    store = dataset.store
    sizes = store.num_nodes.numpy()
    starts = np.repeat(store.node_offsets[:-1].numpy(), store.num_edges.numpy())
    targets = store.edge_index[1].numpy().astype(np.int64) + starts
    degrees = np.bincount(targets, minlength=int(sizes.sum()))
    return FigureRow(
        [
            draw_svg(
                lambda axes: _histogram(axes, sizes, "nodes per graph", "graphs"), f"{dataset.name}: sizes"
            ),
            draw_svg(
                lambda axes: _histogram(axes, degrees, "in-degree of a node", "nodes"),
                f"{dataset.name}: degrees",
            ),
        ]
    )


def _histogram(axes: Axes, values: np.ndarray, label: str, count_label: str) -> None:
    low, high = int(values.min()), int(values.max())
    step = max(1, (high - low) // 40)
    axes.hist(values, bins=np.arange(low, high + step + 1, step) - 0.5, color=COLOURS[0])
    axes.set_xlabel(label)
    axes.set_ylabel(count_label)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(axis="x", visible=False)
    if values.max() > 50 * np.median(values):
        axes.set_yscale("log")


def sample_graphs(dataset: GraphDataset, count: int = 4, seed: int = 0) -> FigureRow:
    """Drawings of ``count`` graphs of different classes, at the coordinates of their nodes or in a spring layout."""
    generator = np.random.default_rng(seed)
    classes = dataset.store.y.numpy().astype(np.int64).ravel()
    order = generator.permutation(len(classes))
    _, firsts = np.unique(classes[order], return_index=True)
    chosen = order[np.sort(firsts)[:count]] if dataset.spec.task != "regression" else order[:count]
    if len(chosen) < count:
        chosen = np.concatenate([chosen, order[~np.isin(order, chosen)][: count - len(chosen)]])
    return FigureRow([_drawing(dataset, int(number)) for number in sorted(chosen, key=lambda n: classes[n])])


def _drawing(dataset: GraphDataset, number: int) -> SvgFigure:
    graph, target = DrawnGraph.of(dataset, number), dataset.store.y[number].item()
    shown = f"target {target:.2f}" if dataset.spec.task == "regression" else f"class {int(target)}"
    return draw_nodes(graph, graph.shades(), f"graph {number}, {shown}")
