"""The picture that is shown with a link to the book: one graph, clustered by its structure and at random."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rethinkpool_core.figures.svg import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COMMUNITIES, _SIZE = 4, 7
_PIXELS = (1200, 630)  # what most sites crop to
_DARK, _GREY = "#14181f", "#5b6675"


def write_social_card(path: Path) -> None:
    """Write the picture as a PNG file of 1200 x 630 pixels."""
    import networkx as nx
    from matplotlib.figure import Figure

    graph = nx.relaxed_caveman_graph(_COMMUNITIES, _SIZE, 0.12, seed=4)
    learned = np.arange(len(graph)) // _SIZE
    position = _on_rings(learned)
    clusters = {
        "clusters that follow the edges": learned,
        "clusters drawn at random": np.random.default_rng(1).permutation(learned),
    }
    figure = Figure(figsize=(_PIXELS[0] / 100, _PIXELS[1] / 100), dpi=100, facecolor="white")
    figure.text(0.05, 0.87, "Rethinking pooling, reproduced", fontsize=40, weight="bold", color=_DARK)
    figure.text(
        0.05, 0.785, "Does it matter which nodes of a graph are pooled together?", fontsize=23, color=_GREY
    )
    for left, (caption, colours) in zip((0.05, 0.52), clusters.items(), strict=True):
        axes = figure.add_axes((left, 0.13, 0.43, 0.6))
        _draw(axes, graph, position, colours)
        figure.text(left + 0.215, 0.065, caption, fontsize=21, color=_DARK, ha="center")
    figure.savefig(path, format="png", metadata={"Software": None})


def _on_rings(communities: np.ndarray) -> np.ndarray:
    """Return positions of the nodes, each community on a ring of its own."""
    angle = 2 * np.pi * (np.arange(len(communities)) / _SIZE + communities / 9)
    centres = np.array([(0, 1.0), (2.6, 1.6), (5.0, 0.4), (2.5, -1.0)])
    return centres[communities] + 0.8 * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _draw(axes: Axes, graph, position: np.ndarray, clusters: np.ndarray) -> None:
    axes.set_axis_off()
    for a, b in graph.edges:
        axes.plot(*zip(position[a], position[b], strict=True), color="#a9b3c0", linewidth=2, zorder=1)
    axes.scatter(
        *position.T,
        s=330,
        c=[COLOURS[cluster] for cluster in clusters],
        edgecolors="white",
        linewidths=2,
        zorder=2,
        clip_on=False,
    )
    axes.set_aspect("equal")
