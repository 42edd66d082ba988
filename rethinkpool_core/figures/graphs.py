"""Drawings of one graph: its nodes, the clusters of a pooling layer, and the coarse graph that the layer makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rethinkpool_core.errors import UsageError
from rethinkpool_core.figures.svg import COLOURS, INK, SvgFigure, draw_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rethinkpool_core.datasets.dataset import GraphDataset

MAX_CLUSTERS = MAX_EDGES = 60
"""Clusters and edges of a soft assignment's coarse graph that are drawn: all are joined, which would be one black spot."""
_MARKERS = (
    "o",
    "s",
    "D",
    "^",
    "v",
    "P",
    "X",
)  # with seven markers in four colours, 28 clusters look different


@dataclass(frozen=True)
class DrawnGraph:
    """Nodes and edges of a graph in the plane.

    positions    (n, 2), the coordinates of the nodes where the dataset has some, else a spring layout
    edges        (2, E) numbers of nodes
    features     (n, F) as stored
    """

    positions: np.ndarray
    edges: np.ndarray
    features: np.ndarray

    @classmethod
    def of(cls, dataset: GraphDataset, number: int) -> DrawnGraph:
        """Return graph ``number`` of a dataset. Raises UsageError where it has no such graph."""
        if not 0 <= number < dataset.store.num_graphs:
            raise UsageError(
                f"{dataset.name} has no graph {number}: give a number from 0 to {dataset.store.num_graphs - 1}"
            )
        stored, edge_index, _, _ = dataset.store.graph(number)
        x, edges = stored.numpy(), edge_index.numpy().astype(np.int64)
        if dataset.spec.has_coordinates:
            return cls(np.stack([x[:, 2], -x[:, 1]], axis=1).astype(np.float64), edges, x)
        return cls(spring_layout(len(x), edges), edges, x)

    @property
    def pairs(self) -> np.ndarray:
        """The edges (E, 2), one for an edge and its opposite."""
        return np.unique(np.sort(self.edges.T, axis=1), axis=0).reshape(-1, 2)

    def shades(self) -> np.ndarray:
        """Return the first feature of each node, (n,)."""
        n = len(self.positions)
        return self.features[:, 0].astype(np.float64) if self.features.shape[1] else np.zeros(n)


def spring_layout(nodes: int, edges: np.ndarray) -> np.ndarray:
    """Return positions (nodes, 2) of a spring layout, the same on every call."""
    import networkx

    graph = networkx.empty_graph(nodes)
    graph.add_edges_from(edges.T.tolist())
    positions = networkx.spring_layout(graph, seed=0)
    return np.array([positions[node] for node in range(nodes)]).reshape(-1, 2)


def draw_nodes(graph: DrawnGraph, shades: np.ndarray, caption: str) -> SvgFigure:
    """Draw a graph with a colour per node on a scale from dark to light, for ``shades`` (n,)."""

    def paint(axes: Axes) -> None:
        _paint_edges(axes, graph)
        axes.scatter(
            *graph.positions.T, c=shades, cmap="viridis", s=46, zorder=2, edgecolors=INK, linewidths=0.4
        )
        _frame(axes)

    return draw_svg(paint, caption, width=2.6, height=2.6)


def draw_clusters(graph: DrawnGraph, S: np.ndarray, caption: str) -> SvgFigure:
    """Draw a graph with the clusters of an assignment matrix ``S`` (n, K).

    A node has colour and shape of the cluster with the largest share of it, and is filled the more the larger that share is.
    Lines join the members of clusters of two or three nodes.
    """
    cluster, share = S.argmax(1), S.max(1)
    least = 1 / S.shape[1]  # the largest share of a node in a uniform assignment
    strength = np.clip((share - least) / (1 - least), 0, 1) if S.shape[1] > 1 else np.ones(len(S))

    def paint(axes: Axes) -> None:
        from matplotlib.colors import to_rgba

        _paint_edges(axes, graph)
        for k in np.unique(cluster):
            members = np.flatnonzero(cluster == k)
            colour = COLOURS[k % len(COLOURS)]
            where = graph.positions[members]
            if 1 < len(members) <= 3:
                axes.plot(*where.T, color=colour, linewidth=4, alpha=0.8, zorder=2, solid_capstyle="round")
            axes.scatter(
                *where.T,
                marker=_MARKERS[k % len(_MARKERS)],
                s=52,
                zorder=3,
                facecolors=[to_rgba(colour, 0.1 + 0.9 * strength[i]) for i in members],
                edgecolors=colour,
                linewidths=1.3,
            )
        _frame(axes)

    return draw_svg(paint, caption, width=2.9, height=2.9)


def draw_coarse(graph: DrawnGraph, S: np.ndarray, caption: str) -> SvgFigure:
    """Draw the coarse graph of an assignment matrix ``S`` (n, K): a node per cluster that is not empty.

    The area of a node shows its column sum of S, and the width of an edge its entry of S^T A S, with A the adjacency matrix of
    the graph. Clusters of a hard assignment stand in the middle of their members, those of a soft one on a circle.
    Of these the `MAX_CLUSTERS` largest and their `MAX_EDGES` widest edges are drawn, and the caption says so.
    """
    size, hard = S.sum(0), bool(np.all(S.max(1) > 0.999))
    kept = np.flatnonzero(size > 1e-9)
    if not hard and len(kept) > MAX_CLUSTERS:
        caption = f"{caption}, the {MAX_CLUSTERS} largest of its {len(kept)} nodes"
        kept = np.sort(np.argsort(size, kind="stable")[-MAX_CLUSTERS:])
    weights = np.triu(_pooled_adjacency(graph, S[:, kept]), 1)
    if hard:
        positions = S[:, kept].T @ graph.positions / size[kept, None]
    else:
        angles = np.pi / 2 + 2 * np.pi * np.arange(len(kept)) / max(len(kept), 1)
        positions = np.stack([np.cos(angles), np.sin(angles)], 1)
    rows, columns = np.nonzero(weights > 1e-12)
    if not hard and len(rows) > MAX_EDGES:
        caption = f"{caption}, the {MAX_EDGES} widest of {len(rows)} edges"
        widest = np.sort(np.argsort(weights[rows, columns], kind="stable")[-MAX_EDGES:])
        rows, columns = rows[widest], columns[widest]

    def paint(axes: Axes) -> None:
        from matplotlib.collections import LineCollection

        if len(rows):
            share = weights[rows, columns] / weights.max()
            lines = np.stack([positions[rows], positions[columns]], 1)
            axes.add_collection(
                LineCollection(lines, colors=INK, linewidths=0.2 + 2.8 * share, alpha=0.45, zorder=1)
            )
        for place, k in enumerate(kept):
            axes.scatter(
                *positions[place],
                marker=_MARKERS[k % len(_MARKERS)],
                s=30 + 300 * size[k] / size.sum() if not hard else 34 * size[k],
                color=COLOURS[k % len(COLOURS)],
                zorder=2,
                edgecolors=INK,
                linewidths=0.4,
            )
        _frame(axes)

    return draw_svg(paint, caption, width=2.9, height=2.9)


def _pooled_adjacency(graph: DrawnGraph, S: np.ndarray) -> np.ndarray:
    """Return S^T A S (K, K) with A the adjacency matrix of the undirected graph."""
    u, v = np.concatenate([graph.pairs, graph.pairs[:, ::-1]]).T
    summed = np.zeros_like(S)
    np.add.at(summed, u, S[v])  # A S
    return S.T @ summed


def _paint_edges(axes: Axes, graph: DrawnGraph) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    ends = graph.positions[graph.pairs].reshape(-1, 2)
    if len(ends):  # one path for all, which is a sixth of the SVG of a path for each
        lines = Path(ends, np.tile([Path.MOVETO, Path.LINETO], len(ends) // 2))
        axes.add_patch(PathPatch(lines, fill=False, edgecolor=INK, linewidth=0.7, alpha=0.4, zorder=1))


def _frame(axes: Axes) -> None:
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_axis_off()
    axes.margins(0.1)
