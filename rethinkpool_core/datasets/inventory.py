"""Lists of the datasets that exist and of those on this machine, and a check of their files."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rethinkpool_core.datasets.spec import DATASETS, DatasetSpec, Task, get_spec
from rethinkpool_core.datasets.storage.layout import built_in_version, is_present, packed_file, raw_folder
from rethinkpool_core.errors import RethinkPoolError, UnknownNameError
from rethinkpool_core.files.folders import data_root

if TYPE_CHECKING:
    from rethinkpool_core.datasets.storage.packed import Packed

_GRAPHS_BUILT_IN = {"DIGITS": 1797, "RINGS-1": 2000, "RINGS-2": 2000, "RINGS-3": 2000}


@dataclass(frozen=True)
class DatasetRow:
    """One line of ``rethinkpool data list``; ``graphs`` is the published number.

    ``None`` stands for what only the data of a ``TU:<name>`` set can tell.
    """

    name: str
    task: Task | None
    metric: str | None
    graphs: int | None
    present: bool
    licence: str


@dataclass(frozen=True)
class Verified:
    """One line of ``rethinkpool data verify``.

    ``ok``: raw files and packed store agree, or the raw files are sound and not packed yet. ``absent``: not
    fetched. ``changed``: the raw files are not those the store was packed from. ``damaged``: the raw files
    cannot be used, or the packed store is broken (it is rebuilt at the next load). ``detail`` is a sentence
    or empty.
    """

    name: str
    status: Literal["ok", "absent", "changed", "damaged"]
    detail: str = ""

    @property
    def ok(self) -> bool:
        return self.status in ("ok", "absent")


def list_datasets(root: str | os.PathLike[str] | None = None) -> list[DatasetRow]:
    """Return the registered datasets, then any other TU set in the data folder (torch is not imported)."""
    base = data_root(root)
    return [_row(spec, base) for spec in _known_and_present(base)]


def _row(spec: DatasetSpec, root: Path) -> DatasetRow:
    task, metric = (None, None) if spec.num_classes is None else (spec.task, spec.metric)
    return DatasetRow(spec.name, task, metric, _graphs(spec), is_present(spec, root), spec.licence)


def verify(root: str | os.PathLike[str] | None = None) -> list[Verified]:
    """Read all raw files and packed stores in the data folder and compare them; only scratch files are written.

    Raises StorageError if the data folder cannot be read.
    """
    base = data_root(root)
    return [_verify_one(spec, base) for spec in _known_and_present(base)]


def _known_and_present(root: Path) -> list[DatasetSpec]:
    specs = dict(DATASETS)
    for folder in sorted(root.glob("TUDataset/*/raw")):
        with suppress(UnknownNameError):  # no set of ours, such as a copy "NCI1 (1)"
            spec = get_spec(f"TU:{folder.parent.name}")
            specs.setdefault(spec.name, spec)
    return list(specs.values())


def _graphs(spec: DatasetSpec) -> int | None:
    published = spec.published
    return published["num_graphs"] if published else _GRAPHS_BUILT_IN.get(spec.name)


def _verify_one(spec: DatasetSpec, root: Path) -> Verified:
    from rethinkpool_core.datasets.dataset import read_raw
    from rethinkpool_core.datasets.storage.cache import RawFiles, Stale, read_cache

    if not is_present(spec, root):
        return Verified(spec.name, "absent")
    raw = RawFiles(raw_folder(spec, root), built_in_version(spec))
    cached = read_cache(packed_file(spec, root), spec, raw, thorough=True)
    if not isinstance(cached, Stale):
        return Verified(spec.name, "ok", _count_difference(spec, cached[0]))
    try:
        packed = read_raw(spec, root)
    except RethinkPoolError as error:
        return Verified(spec.name, "damaged", str(error))
    if not cached.reason:
        return Verified(spec.name, "ok", "not packed yet" + _count_difference(spec, packed, "; "))
    status: Literal["changed", "damaged"] = "changed" if cached.raw_changed else "damaged"
    return Verified(
        spec.name,
        status,
        f"the packed store is not used because {cached.reason}; the next load packs it again",
    )


def _count_difference(spec: DatasetSpec, packed: Packed, before: str = "") -> str:
    expected, found = _graphs(spec), packed.store.num_graphs
    return "" if expected in (None, found) else f"{before}it has {found} graphs, the published set {expected}"
