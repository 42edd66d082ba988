"""Datasets with their split, and how to load one."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from rethinkpool_core.datasets.features import encode
from rethinkpool_core.datasets.fetch import download
from rethinkpool_core.datasets.sources.source import get_source
from rethinkpool_core.datasets.spec import DatasetSpec, Task, get_spec
from rethinkpool_core.datasets.splits import draw_split
from rethinkpool_core.datasets.statistics import statistics
from rethinkpool_core.datasets.storage.cache import RawFiles, Stale, read_cache, write_cache
from rethinkpool_core.datasets.storage.layout import built_in_version, is_present, packed_file, raw_folder
from rethinkpool_core.datasets.storage.packed import PARTS, Packed
from rethinkpool_core.datasets.storage.store import GraphStore, digest_tensors
from rethinkpool_core.errors import DataError, RethinkPoolError
from rethinkpool_core.files.atomic import scratch_folder, storage_errors
from rethinkpool_core.files.folders import data_root

if TYPE_CHECKING:
    from torch_geometric.data import Data

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, repr=False)
class GraphDataset:
    """Graphs and their split.

    train, val, test  int64 indices of graphs, disjoint, and together all of them unless `from_pyg` was given others
    num_features      width of the encoded node features, or number of integer columns where they are categorical
    num_classes       number of outputs of a model: 2 for a binary task, that of the classes for a multi-class one, 1 for
                      regression
    checksum          digest of the tensors (and of the published split), for provenance
    """

    name: str
    spec: DatasetSpec
    store: GraphStore
    train: Tensor
    val: Tensor
    test: Tensor
    split_seed: int
    num_features: int
    num_classes: int
    checksum: str

    def __repr__(self) -> str:
        parts = f"train {len(self.train)}, val {len(self.val)}, test {len(self.test)}"
        return f"GraphDataset({self.name}, {self.store.num_graphs} graphs: {parts}; seed {self.split_seed})"

    def __len__(self) -> int:
        return self.store.num_graphs

    def __getitem__(self, number: int | slice) -> Data | list[Data]:
        """Return one graph as PyG's `Data`, with encoded features, see `to_pyg`; a slice is a list of them. Raises IndexError."""
        found = range(len(self))[number]
        return list(map(self._data, found)) if isinstance(found, range) else self._data(found)

    def __iter__(self) -> Iterator[Data]:
        return map(self._data, range(len(self)))

    @classmethod
    def from_pyg(
        cls,
        graphs: Iterable[Data],
        *,
        name: str,
        task: Task | None = None,
        metric: str | None = None,
        split: Mapping[str, Sequence[int] | Tensor] | None = None,
        split_seed: int = 0,
        like: str = "PROTEINS",
    ) -> GraphDataset:
        """Return graphs of PyG as a dataset that `build_model` and `train` take.

        Node features of floats are taken as they are. One column of integers, or one-hot rows, are categories; several columns
        of integers are categories side by side. Graphs without features get ten ones. Edge features are ignored. Graphs may be
        directed, and may have no edges or no nodes; self-loops and repetitions of an edge are dropped, as in the sets of TU.

        graphs      a list of `Data`, or any dataset of PyG, with one target ``y`` per graph
        name        the name of the dataset in records
        task        "binary", "multiclass" or "regression"; by default what the targets look like
        metric      "accuracy", "rocauc" (binary) or "mae" (regression); by default accuracy or mae
        split       indices of the graphs of "train", "val" and "test", none twice; by default each seed draws a stratified split
        split_seed  seed of that split
        like        the dataset of the paper whose settings models take by default

        Raises UsageError or UnknownNameError for wrong options, DataError for graphs that cannot be used; each names the first
        thing that is wrong.
        """
        from rethinkpool_core.datasets.pyg import read_pyg

        spec, packed, outputs = read_pyg(graphs, name, task, metric, split, like)
        return _assemble(spec, packed, outputs, digest_tensors(packed.tensors()), split_seed)

    def to_pyg(self, dtype: torch.dtype = torch.float32) -> list[Data]:
        """Return one `Data` per graph: encoded features ``x`` of ``dtype``, ``edge_index``, ``y`` (1,), and ``graph_id`` (1,).

        ``graph_id`` is the number of the graph, which keys what a model draws for it. Categories of molecules stay integers.
        """
        return [self._data(number, dtype) for number in range(len(self))]

    def _data(self, number: int, dtype: torch.dtype = torch.float32) -> Data:
        from torch_geometric.data import Data

        x, edge_index, edge_attr, y = self.store.graph(number)
        x = encode(x, self)
        return Data(
            x=x.to(dtype) if x.is_floating_point() else x,
            edge_index=edge_index.long().contiguous(),
            edge_attr=None if edge_attr is None else edge_attr.long(),
            y=(y.to(dtype) if y.is_floating_point() else y).reshape(1),
            graph_id=torch.tensor([number]),
        )

    @property
    def max_nodes(self) -> int:
        """Number of nodes of the largest graph."""
        return self.store.max_nodes

    def statistics(self) -> dict[str, int | float | None]:
        """Return the columns of Table S1, counted as in the row of this dataset; ``None`` where it has none."""
        return statistics(self.store, self.spec, self.num_features, self.num_classes)

    def with_split(self, seed: int) -> GraphDataset:
        """Return the same graphs with the split that another seed draws; a published split stays as it is."""
        if not self.spec.seed_draws_split:
            return replace(self, split_seed=seed)
        train, val, test = draw_split(self.spec.split, self.store.y, seed)
        return replace(self, train=train, val=val, test=test, split_seed=seed)


def load_dataset(name: str, root: str | os.PathLike[str] | None = None, split_seed: int = 0) -> GraphDataset:
    """Load a dataset from its packed store, else from its raw files, which are downloaded if they are not there.

    name        one of ``DATASETS`` or ``TU:<name>``
    root        the data folder; by default ``$RETHINKPOOL_DATA``, else the user's cache folder
    split_seed  seed of a split that is drawn; published splits ignore it

    Raises UnknownNameError if there is no such dataset; DataError if it is not here and cannot be downloaded, or its files are
    damaged; StorageError if the data folder cannot be written.
    """
    spec = get_spec(name)
    packed, checksum = load_packed(spec, data_root(root))
    y = packed.store.y
    outputs = 1 if y.is_floating_point() else max(2, int(y.max()) + 1)
    spec = _resolved(spec, packed, outputs)
    return _assemble(spec, packed, outputs, checksum, split_seed)


def _assemble(
    spec: DatasetSpec, packed: Packed, outputs: int, checksum: str, split_seed: int
) -> GraphDataset:
    if packed.published is None:
        train, val, test = draw_split(spec.split, packed.store.y, split_seed)
    else:
        train, val, test = (packed.published[part] for part in PARTS)
    return GraphDataset(
        name=spec.name,
        spec=spec,
        store=packed.store,
        train=train,
        val=val,
        test=test,
        split_seed=split_seed,
        num_features=packed.num_features,
        num_classes=outputs,
        checksum=checksum,
    )


def load_packed(spec: DatasetSpec, root: Path) -> tuple[Packed, str]:
    """Return the packed graphs of a dataset and their digest; pack them if the packed file is missing or stale."""
    folder, path = raw_folder(spec, root), packed_file(spec, root)
    if not is_present(spec, root):
        download(spec, root)
    with storage_errors(folder):
        raw = RawFiles(folder, built_in_version(spec))
    cached = read_cache(path, spec, raw)
    if not isinstance(cached, Stale):
        return cached
    if cached.reason:
        log.warning("packing %s again: %s is not used because %s", spec.name, path, cached.reason)
    raw_checksum = raw.checksum()  # before reading: files that change meanwhile make the packed store stale
    packed = read_raw(spec, root)
    return packed, write_cache(path, spec, raw, raw_checksum, packed)


def read_raw(spec: DatasetSpec, root: Path) -> Packed:
    """Return the packed raw files without writing them (raises DataError, StorageError)."""
    folder = raw_folder(spec, root)
    with scratch_folder(packed_file(spec, root)) as scratch:
        try:
            with storage_errors(folder):
                return get_source(spec).read(spec, folder, scratch)
        except RethinkPoolError:
            raise
        except Exception as error:  # a loader failed on files that our own checks let through
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise DataError(
                f"the raw files of {spec.name} in {folder} cannot be read ({reason}); fetch it again"
            ) from None


def _resolved(spec: DatasetSpec, packed: Packed, outputs: int) -> DatasetSpec:
    """Return the spec completed with what only the data of a ``TU:<name>`` set can tell."""
    if spec.num_classes is not None:
        return spec
    spec = replace(spec, features=packed.features, num_features=packed.num_features, num_classes=outputs)
    spec = replace(spec, label_count="occurring" if packed.features == "one_hot" else "none")
    if packed.store.y.is_floating_point():
        return replace(spec, task="regression", metric="mae")
    return replace(spec, task="binary" if outputs == 2 else "multiclass")
