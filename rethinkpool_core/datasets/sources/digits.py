"""DIGITS: the 1797 handwritten 8x8 digits inside scikit-learn, as graphs made like SMNIST's."""

from __future__ import annotations

from pathlib import Path

import torch

from rethinkpool_core.datasets.sources.kernel_graph import kernel_graph
from rethinkpool_core.datasets.spec import DatasetSpec
from rethinkpool_core.datasets.storage.pack import pack
from rethinkpool_core.datasets.storage.packed import Packed

_BRIGHTEST = 16
_SIDE = 8


def unpack(spec: DatasetSpec, mirror: Path, into: Path) -> None:
    """Do nothing: the images come with scikit-learn."""


def download(spec: DatasetSpec, into: Path) -> None:
    """Do nothing: the images come with scikit-learn."""


def read(spec: DatasetSpec, folder: Path, scratch: Path) -> Packed:
    """Return graphs with one node per non-zero pixel (intensity / 16, row / 8, column / 8), joined by `kernel_graph`."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = torch.from_numpy(digits.images)
    graph, row, column = images.nonzero(as_tuple=True)
    position = torch.stack([row, column], dim=1) / _SIDE
    x = torch.cat([images[graph, row, column, None] / _BRIGHTEST, position], dim=1)
    num_nodes = torch.bincount(graph, minlength=len(images))
    edge_index, num_edges = kernel_graph(position, num_nodes)
    labels = torch.from_numpy(digits.target)
    store = pack(x, edge_index, labels, num_nodes, num_edges, where=spec.name)
    return Packed(store, "dense", store.x.shape[1])
