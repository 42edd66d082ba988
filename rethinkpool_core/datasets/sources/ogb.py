"""ogbg-molhiv (``<root>/ogb/ogbg_molhiv/{raw,split}``), read by OGB's loader.

The loader would check the network, ask a question on stdin, and fail to load its own file; all three are avoided.
"""

from __future__ import annotations

import gzip
import sys
import zlib
from pathlib import Path

import torch

from rethinkpool_core.datasets.sources.source import processed_in, quiet
from rethinkpool_core.datasets.spec import DatasetSpec
from rethinkpool_core.datasets.storage.layout import mirror_files
from rethinkpool_core.datasets.storage.pack import pack
from rethinkpool_core.datasets.storage.packed import PARTS, Packed
from rethinkpool_core.errors import DataError
from rethinkpool_core.files.archive import unpack_folder

_RELEASE = "RELEASE_v1.txt"
_TABLES = ("edge", "edge-feat", "node-feat", "graph-label", "num-node-list", "num-edge-list")
_SPLIT_NAMES = {"train": "train", "val": "valid", "test": "test"}
_FILES = (
    *(f"raw/{table}.csv.gz" for table in _TABLES),
    *(f"split/scaffold/{part}.csv.gz" for part in _SPLIT_NAMES.values()),
)


def unpack(spec: DatasetSpec, mirror: Path, into: Path) -> None:
    unpack_folder(mirror / mirror_files(spec)[0], "hiv", into)
    _check_files(into)


def download(spec: DatasetSpec, into: Path) -> None:
    scratch = into.parent / "loader"
    with quiet(), _loads_its_own_file():
        _loader(scratch)(name=spec.upstream, root=str(scratch))
    (scratch / "ogbg_molhiv").rename(into)


def read(spec: DatasetSpec, folder: Path, scratch: Path) -> Packed:
    _check_files(folder)
    with quiet(), _loads_its_own_file():
        dataset = _loader(scratch)(name=spec.upstream, root=str(folder.parent))
        split = dataset.get_idx_split()
    data = dataset._data
    num_nodes, num_edges = dataset.slices["x"].diff(), dataset.slices["edge_index"].diff()
    y = data.y.reshape(-1)
    store = pack(data.x, data.edge_index, y, num_nodes, num_edges, data.edge_attr, where=spec.name)
    published = {part: split[name] for part, name in _SPLIT_NAMES.items()}
    _check_split(folder, published, store.num_graphs)
    return Packed(store, "categorical", store.x.shape[1], published)


def import_ogb_quietly() -> None:
    """Import ``ogb`` without the thread that asks the network for a newer version.

    That check runs when ``ogb`` is first imported and finds the package ``outdated``, so this has to come before any other
    import from ogb.
    """
    if "ogb" in sys.modules:
        return
    absent = object()
    outdated = sys.modules.get("outdated", absent)
    sys.modules["outdated"] = None  # type: ignore[assignment]  # makes ``import outdated`` an ImportError
    try:
        import ogb  # noqa: F401
    finally:
        if outdated is absent:
            del sys.modules["outdated"]
        else:
            sys.modules["outdated"] = outdated  # type: ignore[assignment]


def _loader(scratch: Path):
    import_ogb_quietly()
    from ogb.graphproppred import PygGraphPropPredDataset

    return processed_in(PygGraphPropPredDataset, scratch)


def _loads_its_own_file():
    """Allow the classes in the loader's processed file: ogb 1.3.6 calls torch.load, which since torch 2.6 refuses others."""
    from torch_geometric.data.data import DataEdgeAttr, DataTensorAttr
    from torch_geometric.data.storage import GlobalStorage

    return torch.serialization.safe_globals([DataEdgeAttr, DataTensorAttr, GlobalStorage])


def _check_files(folder: Path) -> None:
    """Check that all files are there and all tables complete (without its release file the loader asks on stdin)."""
    for name in (_RELEASE, *_FILES):
        path = folder / name
        if not path.is_file():
            raise DataError(f"{folder} is not a complete ogbg-molhiv: {name} is missing; fetch MOLHIV again")
        if path.suffix != ".gz":
            continue
        try:
            with gzip.open(path) as file:
                while file.read(1 << 20):
                    pass
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DataError(f"{path} is damaged or incomplete ({error}); fetch MOLHIV again") from None


def _check_split(folder: Path, published: dict[str, torch.Tensor], graphs: int) -> None:
    together = torch.cat([published[part] for part in PARTS])
    if not torch.equal(together.sort().values, torch.arange(graphs)):
        raise DataError(
            f"{folder / 'split'} does not name each of {graphs} graphs exactly once; fetch MOLHIV again"
        )
