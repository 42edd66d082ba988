"""The rings of RINGS-r: their colours in ring order, how often each window occurs, and the agreement of colours at a lag."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rethinkpool_core.datasets.sources.rings import COLOURS, draw_rings, lag_of
from rethinkpool_core.datasets.storage.store import GraphStore

Colours = NDArray[np.int64]
"""Colours around rings of one size, ``[graphs, nodes]``."""


@dataclass(frozen=True)
class LagAgreement:
    """How a class of rings agrees at the lag.

    mean       share of the nodes that have the colour ``lag`` steps before, mean over the rings
    deviation  standard deviation of that share over the rings
    """

    mean: float
    deviation: float


def colours_in_ring_order(store: GraphStore) -> Colours:
    """Return the colours of rings of one size as their edges order them, from node 0 of each; the direction is arbitrary."""
    graphs, nodes = store.num_graphs, store.max_nodes
    neighbours = store.edge_index[1].numpy().astype(np.int64).reshape(graphs, nodes, 2)
    every = np.arange(graphs)
    visited = np.zeros((graphs, nodes), dtype=np.int64)
    if nodes > 1:
        visited[:, 1] = neighbours[every, 0, 0]
    for place in range(2, nodes):
        ahead = neighbours[every, visited[:, place - 1]]
        back = ahead[:, 0] == visited[:, place - 2]
        visited[:, place] = np.where(back, ahead[:, 1], ahead[:, 0])
    return np.take_along_axis(store.x.numpy().astype(np.int64).reshape(graphs, nodes), visited, axis=1)


def window_counts(colours: Colours, width: int) -> Colours:
    """Return how often each window of ``width`` consecutive colours occurs in each ring, ``[graphs, COLOURS ** width]``.

    Windows are read in the direction of the rows; the columns are the windows as numbers to the base of the number of colours.
    """
    windows = sum(np.roll(colours, -step, axis=1) * COLOURS**step for step in range(width))
    shifted = windows + COLOURS**width * np.arange(len(colours))[:, None]
    return np.bincount(shifted.ravel(), minlength=len(colours) * COLOURS**width).reshape(len(colours), -1)


def undirected_window_counts(colours: Colours, width: int) -> Colours:
    """Return `window_counts` of windows that may be read in both directions: each counts once forwards and once backwards."""
    return window_counts(colours, width) + window_counts(colours[:, ::-1], width)


def agreement(colours: Colours, lag: int) -> NDArray[np.float64]:
    """Return the share of the nodes of each ring that have the colour of the node ``lag`` steps before, ``[graphs]``."""
    return (colours == np.roll(colours, lag, axis=1)).mean(axis=1)


@cache
def lag_agreement(radius: int) -> tuple[LagAgreement, LagAgreement]:
    """Return how the rings of class 0 and of class 1 of RINGS-r agree at the lag 2r + 1."""
    shares = agreement(draw_rings(radius), lag_of(radius))
    first, second = (
        LagAgreement(float(part.mean()), float(part.std(ddof=1))) for part in (shares[::2], shares[1::2])
    )
    return first, second


@cache
def best_threshold(radius: int) -> float:
    """Return the accuracy of the best threshold on the agreement at the lag, over all rings of RINGS-r.

    It says how well the classes can be told apart by the one quantity in which they were made to differ.
    """
    shares = agreement(draw_rings(radius), lag_of(radius))
    low, high = np.sort(shares[::2]), np.sort(shares[1::2])
    thresholds = np.unique(shares)
    right = np.searchsorted(low, thresholds) + len(high) - np.searchsorted(high, thresholds)
    return float(right.max() / len(shares))
