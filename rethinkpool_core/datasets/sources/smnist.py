"""SMNIST: superpixel graphs of MNIST.

The raw file is ``<root>/SMNIST/superpixels.npz``, from a mirror, or PyG's copy of the benchmark in
``<root>/SMNIST/MNIST/raw``.
"""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from rethinkpool_core.datasets.sources.kernel_graph import kernel_graph
from rethinkpool_core.datasets.sources.source import processed_in, quiet
from rethinkpool_core.datasets.spec import DatasetSpec
from rethinkpool_core.datasets.storage.layout import mirror_files
from rethinkpool_core.datasets.storage.pack import pack
from rethinkpool_core.datasets.storage.packed import PARTS, Packed
from rethinkpool_core.errors import DataError

_COMPACT = "superpixels.npz"
_POSITION_SCALE = 65535
_ARRAYS = {"x": 1, "pos": 2, "ptr": 1, "y": 1, "split": 1}


def unpack(spec: DatasetSpec, mirror: Path, into: Path) -> None:
    into.mkdir()
    shutil.copyfile(mirror / mirror_files(spec)[0], into / _COMPACT)
    _read_compact(into / _COMPACT)


def download(spec: DatasetSpec, into: Path) -> None:
    with quiet():
        from torch_geometric.datasets import GNNBenchmarkDataset

        processed_in(GNNBenchmarkDataset, into.parent / "loader")(root=str(into), name=spec.upstream)


def read(spec: DatasetSpec, folder: Path, scratch: Path) -> Packed:
    if (folder / _COMPACT).is_file():
        return _from_compact(spec, folder / _COMPACT)
    if (folder / spec.upstream / "raw").is_dir():
        return _from_benchmark(spec, folder, scratch)
    raise DataError(f"{folder} is not a complete SMNIST: {_COMPACT} is missing; fetch SMNIST again")


def _from_compact(spec: DatasetSpec, path: Path) -> Packed:
    arrays = _read_compact(path)
    position = torch.from_numpy(arrays["pos"].astype(np.float64)) / _POSITION_SCALE
    intensity = torch.from_numpy(arrays["x"].astype(np.float32))[:, None]
    num_nodes = torch.from_numpy(np.diff(arrays["ptr"].astype(np.int64)))
    edge_index, num_edges = kernel_graph(position, num_nodes)
    x = torch.cat([intensity, position.to(torch.float32)], dim=1)
    store = pack(x, edge_index, torch.from_numpy(arrays["y"]), num_nodes, num_edges, where=spec.name)
    split = torch.from_numpy(arrays["split"])
    published = {part: (split == code).nonzero()[:, 0] for code, part in enumerate(PARTS)}
    return Packed(store, "dense", x.shape[1], published)


def _from_benchmark(spec: DatasetSpec, folder: Path, scratch: Path) -> Packed:
    """Read PyG's copy of the benchmark, with its edges; validation comes first, as in MNIST's order of images."""
    in_order = ("val", "train", "test")
    with quiet():
        from torch_geometric.datasets import GNNBenchmarkDataset

        loader = processed_in(GNNBenchmarkDataset, scratch)
        parts = {part: loader(root=str(folder), name=spec.upstream, split=part) for part in in_order}
    data = [part._data for part in parts.values()]
    slices = [part.slices for part in parts.values()]
    x = torch.cat(
        [torch.cat([_columns(d.x), d.pos], dim=1) if d.x.numel() == len(d.pos) else d.x for d in data]
    )
    store = pack(
        x,
        torch.cat([d.edge_index for d in data], dim=1),
        torch.cat([d.y.reshape(-1) for d in data]),
        torch.cat([s["x"].diff() for s in slices]),
        torch.cat([s["edge_index"].diff() for s in slices]),
        where=spec.name,
    )
    indices = torch.arange(store.num_graphs).split([len(part) for part in parts.values()])
    published = {name: index.clone() for name, index in zip(in_order, indices, strict=True)}
    return Packed(store, "dense", x.shape[1], published)


def _columns(x: Tensor) -> Tensor:
    return x.reshape(len(x), -1)


def _read_compact(path: Path) -> dict[str, np.ndarray]:
    """Return the five arrays after a check of their shapes and offsets (raises DataError)."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as opened:
            arrays = {name: opened[name] for name in _ARRAYS}
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is damaged or incomplete ({error}): get it again") from None
    ptr = arrays["ptr"].astype(np.int64)
    nodes, graphs = len(arrays["x"]), len(ptr) - 1
    lengths = {"x": nodes, "pos": nodes, "ptr": graphs + 1, "y": graphs, "split": graphs}
    for name, dimensions in _ARRAYS.items():
        if arrays[name].ndim != dimensions or len(arrays[name]) != lengths[name]:
            raise DataError(
                f"{path} is damaged: {name} has shape {arrays[name].shape} for {graphs} graphs: get it again"
            )
    if (
        graphs < 1
        or ptr[0] != 0
        or ptr[-1] != nodes
        or (np.diff(ptr) < 1).any()
        or arrays["split"].max() >= len(PARTS)
    ):
        raise DataError(
            f"{path} is damaged: its offsets or its split do not fit its {nodes} nodes: get it again"
        )
    return arrays
