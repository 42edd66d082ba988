"""Every figure of the book, from datasets and run records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rethinkpool_core.panels import COLOURS, INK, Panel, Panels, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rethinkpool_core.data.dataset import GraphDataset
    from rethinkpool_core.training import RunRecord

Runs = Mapping[str, Sequence["RunRecord"]]
"""Records of each model, by its name."""


def size_histograms(dataset: GraphDataset) -> Panels:
    """How many nodes the graphs have, and how many edges arrive at their nodes."""
    store = dataset.store
    sizes = store.num_nodes.numpy()
    starts = np.repeat(store.node_offsets[:-1].numpy(), store.num_edges.numpy())
    targets = store.edge_index[1].numpy().astype(np.int64) + starts
    degrees = np.bincount(targets, minlength=int(sizes.sum()))
    return Panels(
        [
            draw(
                lambda axes: _histogram(axes, sizes, "nodes of a graph", "graphs"), f"{dataset.name}: sizes"
            ),
            draw(
                lambda axes: _histogram(axes, degrees, "edges that arrive at a node", "nodes"),
                f"{dataset.name}: degrees",
            ),
        ]
    )


def _histogram(axes: Axes, values: np.ndarray, label: str, counted: str) -> None:
    low, high = int(values.min()), int(values.max())
    step = max(1, (high - low) // 40)
    axes.hist(values, bins=np.arange(low, high + step + 1, step) - 0.5, color=COLOURS[0])
    axes.set_xlabel(label)
    axes.set_ylabel(counted)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(axis="x", visible=False)
    if values.max() > 50 * np.median(values):
        axes.set_yscale("log")


def sample_graphs(dataset: GraphDataset, count: int = 4, seed: int = 0) -> Panels:
    """``count`` graphs of different classes, drawn where their nodes lie, or by a spring layout."""
    generator = np.random.default_rng(seed)
    classes = dataset.store.y.numpy().astype(np.int64).ravel()
    order = generator.permutation(len(classes))
    _, firsts = np.unique(classes[order], return_index=True)
    chosen = order[np.sort(firsts)[:count]] if dataset.spec.task != "regression" else order[:count]
    if len(chosen) < count:
        chosen = np.concatenate([chosen, order[~np.isin(order, chosen)][: count - len(chosen)]])
    return Panels([_graph(dataset, int(number)) for number in sorted(chosen, key=lambda n: classes[n])])


def _graph(dataset: GraphDataset, number: int) -> Panel:
    stored, edge_index, _, y = dataset.store.graph(number)
    x = stored.numpy()
    edges = edge_index.numpy().astype(np.int64)
    if dataset.spec.features == "dense":
        places = np.stack([x[:, 2], -x[:, 1]], axis=1).astype(np.float64)
        shades = x[:, 0].astype(np.float64)
    else:
        places = _spring_layout(len(x), edges)
        shades = x[:, 0].astype(np.float64) if x.shape[1] else np.zeros(len(x))
    target = y.item()
    shown = f"target {target:.2f}" if dataset.spec.task == "regression" else f"class {int(target)}"

    def paint(axes: Axes) -> None:
        from matplotlib.collections import LineCollection

        pairs = np.unique(np.sort(edges.T, axis=1), axis=0)  # one line for an edge and its opposite
        lines = LineCollection(places[pairs], colors=INK, linewidths=0.7, alpha=0.4, zorder=1)
        axes.add_collection(lines)
        axes.scatter(*places.T, c=shades, cmap="viridis", s=46, zorder=2, edgecolors=INK, linewidths=0.4)
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_axis_off()
        axes.margins(0.08)

    return draw(paint, f"graph {number}, {shown}", width=2.6, height=2.6)


def _spring_layout(nodes: int, edges: np.ndarray) -> np.ndarray:
    import networkx

    graph = networkx.empty_graph(nodes)
    graph.add_edges_from(edges.T.tolist())
    places = networkx.spring_layout(graph, seed=0)
    return np.array([places[node] for node in range(nodes)])


def learning_curves(runs: Runs, curve: str, label: str) -> Panel:
    """Mean of one curve over the seeds, epoch by epoch, in a band from the lowest to the highest seed.

    An epoch is drawn only while every seed of the model was still training: the mean is over the same seeds
    throughout.
    """

    def paint(axes: Axes) -> None:
        for colour, (name, records) in zip(COLOURS, runs.items(), strict=False):
            length = min(len(record.curves[curve]) for record in records)
            values = np.array([record.curves[curve][:length] for record in records])
            epochs = np.arange(1, length + 1)
            axes.fill_between(epochs, values.min(0), values.max(0), color=colour, alpha=0.22, linewidth=0)
            axes.plot(epochs, values.mean(0), color=colour, linewidth=2, label=name)
        axes.set_xlabel("epoch")
        axes.set_ylabel(label)
        axes.legend()

    return draw(paint, f"{label}: mean of the seeds, band from lowest to highest")


def score_strip(runs: Runs, label: str) -> Panel:
    """The test score of every seed as a dot, the mean as a line; a seed's dots are joined."""

    def paint(axes: Axes) -> None:
        names = list(runs)
        scores = [{record.seed: record.test_score for record in records} for records in runs.values()]
        for left in range(len(names) - 1):
            for seed in scores[left].keys() & scores[left + 1].keys():
                pair = [scores[left][seed], scores[left + 1][seed]]
                axes.plot([left, left + 1], pair, color=INK, linewidth=0.8, alpha=0.35, zorder=1)
        for place, by_seed in enumerate(scores):
            values = list(by_seed.values())
            colour = COLOURS[place % len(COLOURS)]
            axes.scatter([place] * len(values), values, color=colour, s=44, zorder=2)
            axes.hlines(np.mean(values), place - 0.2, place + 0.2, color=colour, linewidth=2.5, zorder=2)
        axes.set_xticks(range(len(names)), names)
        axes.set_xlim(-0.5, len(names) - 0.5)
        axes.set_ylabel(label)
        axes.grid(axis="x", visible=False)

    return draw(paint, f"{label}: one dot a seed, a line joins the same seed")


def speed_ratios(models: Sequence[Mapping[str, Any]]) -> Panel:
    """How many times as fast each model is as its plain form: a bar to the median, a line over the rounds."""

    def paint(axes: Axes) -> None:
        places = range(len(models), 0, -1)
        axes.barh(places, [entry["ratio"] for entry in models], color=COLOURS[0], height=0.6)
        for place, entry in zip(places, models, strict=True):
            axes.hlines(place, entry["least"], entry["largest"], color=INK, linewidth=2)
        axes.axvline(1, color=INK, linewidth=1)
        axes.set_yticks(places, [entry["model"] for entry in models])
        axes.set_xlim(left=0)
        axes.set_xlabel("times as fast as the plain form")
        axes.grid(axis="y", visible=False)

    return draw(paint, "An epoch of each model: median of the rounds, and their range", width=5.0)


_AXES = {"seeds": "seeds side by side", "nodes": "nodes of a graph", "graphs": "graphs in the dataset"}


def growth_curves(curves: Sequence[Mapping[str, Any]], axis: str, value: str) -> Panel:
    """How seconds or bytes of one model grow: the plain form in the ink of the text, ours in colours.

    A curve has points with a number under ``axis`` and one under ``value``; the plain curve over seeds has one point,
    drawn as a line across.
    """

    if value == "bytes":
        what, label, scale = "peak of memory", "MB", 1e-6
    elif axis == "graphs":
        what, label, scale = "time of an epoch for each seed", "s", 1.0
    else:
        what, label, scale = "time of a step for each seed", "ms", 1e3

    numbers = sorted({point[axis] for curve in curves for point in curve["points"]})

    def paint(axes: Axes) -> None:
        from matplotlib.ticker import LogLocator, NullLocator

        colours = iter(COLOURS)
        for curve in curves:
            plain = curve["side"] == "plain"
            style = {
                "color": INK if plain else next(colours),
                "linestyle": "--" if plain else "-",
                "linewidth": 2,
            }
            at = [point[axis] for point in curve["points"]]
            height = [scale * point[value] for point in curve["points"]]
            if plain and axis == "seeds":
                axes.axhline(height[0], label=whose(curve), **style)
            else:
                axes.plot(at, height, marker="o", markersize=5, label=whose(curve), **style)
        axes.set_xscale("log")
        axes.set_xticks(numbers, [f"{number:g}" for number in numbers])
        axes.xaxis.set_minor_locator(NullLocator())
        if axis == "seeds" and value == "seconds":
            axes.set_ylim(bottom=0)
        else:
            axes.set_yscale("log")
            heights = [point[value] for curve in curves for point in curve["points"]]
            wide = max(heights) > 200 * min(heights)
            axes.yaxis.set_major_locator(LogLocator(subs=(1,) if wide else (1, 2, 5)))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_locator(NullLocator())
        axes.set_xlabel(_AXES[axis])
        axes.set_ylabel(label)
        axes.legend()

    return draw(paint, f"{curves[0]['model']}: {what}, by {_AXES[axis]}")


def whose(curve: Mapping[str, Any]) -> str:
    """Whose cost a curve is."""
    if curve["side"] == "plain":
        return "plain"
    return {None: "side by side", 1: "one seed"}.get(curve["seeds"], f"{curve['seeds']} side by side")
