"""TU Dortmund sets (``<root>/TUDataset/<NAME>/raw``), read by PyG's TUDataset after a check of the files."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from rethinkpool_core.datasets.sources.source import processed_in, quiet
from rethinkpool_core.datasets.spec import ONES_WIDTH, DatasetSpec, Features
from rethinkpool_core.datasets.storage.layout import mirror_files
from rethinkpool_core.datasets.storage.pack import pack
from rethinkpool_core.datasets.storage.packed import Packed
from rethinkpool_core.errors import DataError
from rethinkpool_core.files.archive import unpack_folder

log = logging.getLogger(__name__)


def unpack(spec: DatasetSpec, mirror: Path, into: Path) -> None:
    unpack_folder(mirror / mirror_files(spec)[0], spec.upstream, into / "raw")
    check_tu_folder(into / "raw", spec.upstream)


def download(spec: DatasetSpec, into: Path) -> None:
    scratch = into.parent / "loader"
    with quiet():
        from torch_geometric.datasets import TUDataset

        processed_in(TUDataset, scratch)(root=str(scratch), name=spec.upstream)
    into.mkdir()
    (scratch / spec.upstream / "raw").rename(into / "raw")


def read(spec: DatasetSpec, folder: Path, scratch: Path) -> Packed:
    num_nodes = check_tu_folder(folder / "raw", spec.upstream)
    empty = np.flatnonzero(num_nodes == 0)
    if len(empty):
        log.warning(
            "%s: %d of %d graphs have no nodes, the first is graph %d",
            spec.name,
            len(empty),
            len(num_nodes),
            empty[0] + 1,
        )
    with quiet():
        from torch_geometric.datasets import TUDataset

        loader = processed_in(TUDataset, scratch)
        dataset = loader(root=str(folder.parent), name=spec.upstream, use_node_attr=True)
    data = dataset._data  # the collated tensors; dataset.data warns, dataset[i] makes a Data object per graph
    features, width, x = _features(data.x, dataset.num_node_attributes, int(num_nodes.sum()))
    num_edges = dataset.slices["edge_index"].diff()  # ends with the last graph that has an edge
    store = pack(
        x,
        data.edge_index,
        _targets(data.y, spec),
        num_nodes,
        F.pad(num_edges, (0, len(num_nodes) - len(num_edges))),
        where=spec.name,
    )
    return Packed(store, features, width)


def _features(x: Tensor | None, num_attributes: int, nodes: int) -> tuple[Features, int, Tensor]:
    """Return kind, width and rows of the features: node labels if there are any, else continuous attributes, else ten ones."""
    if x is None:
        return "ones", ONES_WIDTH, torch.empty(nodes, 0, dtype=torch.uint8)
    labels = x[:, num_attributes:]
    if labels.shape[1] == 0:
        return "dense", num_attributes, x
    if bool((labels.sum(dim=1) == 1).all()):
        return "one_hot", labels.shape[1], labels.argmax(dim=1, keepdim=True)
    return "dense", labels.shape[1], labels  # several label columns: PyG sets their one-hot rows side by side


def _targets(y: Tensor, spec: DatasetSpec) -> Tensor:
    if y.dim() > 1 and y.shape[1] > 1:
        raise DataError(
            f"{spec.name} has {y.shape[1]} targets per graph: only sets with one are supported, choose another"
        )
    return y.reshape(-1)


def check_tu_folder(raw: Path, name: str) -> Tensor:
    """Check the text files of a TU set before PyG reads them (it would misread most of these faults).

    There are as many graphs as graph labels. A graph that the indicator file does not name has no nodes: published sets
    have such graphs (Fingerprint).

    Returns the number of nodes of each graph, ``[graphs]`` int64.

    Raises DataError if a file is missing or not a table of whole numbers, an index is out of range, an edge joins two graphs,
    or there are more or fewer node labels than nodes.
    """
    indicator = _numbers(raw / f"{name}_graph_indicator.txt")[:, 0]
    edges = _numbers(raw / f"{name}_A.txt")
    attributes, labels = raw / f"{name}_graph_attributes.txt", raw / f"{name}_graph_labels.txt"
    if attributes.is_file():
        graphs, target_file = len(_lines(attributes)), attributes
    else:
        graphs, target_file = len(_numbers(labels)), labels

    back = np.diff(indicator) < 0
    if back.any():
        line = int(back.argmax()) + 2
        raise _damaged(
            raw, f"line {line} of {name}_graph_indicator.txt goes back to graph {indicator[line - 1]}"
        )
    outside = (indicator < 1) | (indicator > graphs)
    if outside.any():
        line = int(outside.argmax()) + 1
        raise _damaged(
            raw,
            f"line {line} of {name}_graph_indicator.txt names graph {indicator[line - 1]}, "
            f"and {target_file.name} has {graphs} lines",
        )
    if edges.shape[1] != 2:
        raise _damaged(raw, f"{name}_A.txt has {edges.shape[1]} columns instead of 2")
    outside = ((edges < 1) | (edges > len(indicator))).any(axis=1)
    if outside.any():
        line = int(np.flatnonzero(outside)[0]) + 1
        raise _damaged(raw, f"line {line} of {name}_A.txt names a node outside 1 to {len(indicator)}")
    between = indicator[edges[:, 0] - 1] != indicator[edges[:, 1] - 1]
    if between.any():
        raise _damaged(raw, f"line {int(np.flatnonzero(between)[0]) + 1} of {name}_A.txt joins two graphs")
    for kind in ("node_labels", "node_attributes"):
        optional = raw / f"{name}_{kind}.txt"
        if optional.is_file() and (rows := len(_lines(optional))) != len(indicator):
            raise _damaged(raw, f"{optional.name} has {rows} lines for {len(indicator)} nodes")
    return torch.from_numpy(np.bincount(indicator - 1, minlength=graphs))


def _damaged(raw: Path, problem: str) -> DataError:
    return DataError(f"the TU files in {raw} are damaged: {problem}; fetch the set again")


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(errors="replace").splitlines() if line.strip()]


def _numbers(path: Path) -> np.ndarray:
    """Read a text table of whole numbers, ``[lines, columns]``."""
    if not path.is_file():
        raise DataError(
            f"{path.parent} is not a complete TU set: {path.name} is missing; fetch the set again"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy only warns about an empty file
            return np.loadtxt(path, dtype=np.int64, delimiter=",", ndmin=2)
    except (ValueError, UserWarning) as error:
        raise _damaged(path.parent, f"{path.name} is not a table of whole numbers ({error})") from None
