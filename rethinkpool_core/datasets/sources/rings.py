"""RINGS-r: pairs of coloured rings that agree in every window of 2r + 1 consecutive colours, and differ beyond."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rethinkpool_core.datasets.sources.euler_shuffle import euler_shuffle
from rethinkpool_core.datasets.spec import DatasetSpec
from rethinkpool_core.datasets.storage.pack import pack
from rethinkpool_core.datasets.storage.packed import Packed

PAIRS = 1000
COLOURS = 2
REPEAT = 0.7
"""Probability that a node of class 1 repeats the colour ``lag`` steps before; else its colour is random."""
_NODES_PER_RADIUS = {
    1: 100,
    2: 150,
    3: 200,
}  # more windows exist for a larger r, and need more nodes to be shuffled
_SEED = 20261126


def unpack(spec: DatasetSpec, mirror: Path, into: Path) -> None:
    """Do nothing: the rings are drawn by `read`."""


def download(spec: DatasetSpec, into: Path) -> None:
    """Do nothing: the rings are drawn by `read`."""


def radius_of(spec: DatasetSpec) -> int:
    """Return r of ``RINGS-r``."""
    return int(spec.upstream)


def nodes_of(radius: int) -> int:
    """Return the number of nodes of each ring of RINGS-r."""
    return _NODES_PER_RADIUS[radius]


def lag_of(radius: int) -> int:
    """Return the number of steps after which colours of class 1 tend to repeat: 2r + 1, just outside a window of 2r + 1."""
    return 2 * radius + 1


def draw_rings(radius: int, pairs: int = PAIRS) -> NDArray[np.int64]:
    """Return the colours of all rings in ring order, ``[2 pairs, nodes]``, the same in every call.

    Row 2i + 1 is the ring of class 1 of pair i: from its node number ``lag`` on, every node repeats the colour ``lag`` steps
    before with probability `REPEAT`, else it has a random colour, as the first ones do. Row 2i is its `euler_shuffle`.
    """
    rng = np.random.default_rng((_SEED, radius))
    nodes, lag = nodes_of(radius), lag_of(radius)
    colours = rng.integers(COLOURS, size=(pairs, nodes))
    repeats = rng.random((pairs, nodes)) < REPEAT
    for place in range(lag, nodes):
        colours[:, place] = np.where(repeats[:, place], colours[:, place - lag], colours[:, place])
    shuffled = [euler_shuffle(ring, 2 * radius + 1, rng) for ring in colours.tolist()]
    return np.stack([shuffled, colours], axis=1).reshape(2 * pairs, nodes)


def read(spec: DatasetSpec, folder: Path, scratch: Path) -> Packed:
    """Return the rings as undirected graphs whose node labels are the colours, with the nodes in a random order."""
    colours = draw_rings(radius_of(spec))
    graphs, nodes = colours.shape
    rng = np.random.default_rng((_SEED, radius_of(spec), 1))
    order = rng.permuted(np.tile(np.arange(nodes), (graphs, 1)), axis=1)  # the node at each place of a ring
    x = np.empty_like(colours)
    np.put_along_axis(x, order, colours, axis=1)
    after = np.roll(order, -1, axis=1)
    both = np.stack([np.concatenate([order, after], axis=1), np.concatenate([after, order], axis=1)])
    store = pack(
        torch.from_numpy(x.reshape(-1, 1)),
        torch.from_numpy(both.reshape(2, -1)),
        torch.arange(graphs) % 2,
        torch.full((graphs,), nodes),
        torch.full((graphs,), 2 * nodes),
        where=spec.name,
    )
    return Packed(store, "one_hot", COLOURS)
