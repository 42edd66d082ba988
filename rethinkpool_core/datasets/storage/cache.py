"""The packed store on disk, which is used only if packing the raw files again would give the same."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path

from rethinkpool_core.datasets.spec import DatasetSpec
from rethinkpool_core.datasets.storage.packed import PARTS, Packed
from rethinkpool_core.datasets.storage.store import GraphStore, digest_tensors
from rethinkpool_core.errors import StorageError
from rethinkpool_core.files.atomic import replace_tensors, storage_errors
from rethinkpool_core.files.checksums import sha256

FORMAT = "rethinkpool-graphs-1"
"""Changes whenever packing the same raw files gives other tensors or other metadata."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stale:
    """The reason why a packed store is not used; empty if there is no such file."""

    reason: str
    raw_changed: bool = False


class RawFiles:
    """The raw files of a dataset; sizes and times are compared first, then checksums.

    extra  text that stands for the raw files of a built-in dataset
    """

    def __init__(self, folder: Path, extra: str = ""):
        self.folder = folder
        self.extra = extra
        self.stats = {
            path.relative_to(folder).as_posix(): [path.stat().st_size, path.stat().st_mtime_ns]
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    def checksum(self) -> str:
        """Return the SHA-256 of the names and contents of all files."""
        state = hashlib.sha256(self.extra.encode())
        for name in self.stats:
            state.update(f"\n{name}:{sha256(self.folder / name)}".encode())
        return state.hexdigest()

    def stat(self) -> str:
        """Return names, sizes and times of all files as text, to be compared."""
        return json.dumps([self.extra, self.stats])


def read_cache(
    path: Path, spec: DatasetSpec, raw: RawFiles, *, thorough: bool = False
) -> tuple[Packed, str] | Stale:
    """Return the packed dataset and the digest of its tensors, or the reason why it cannot be used.

    thorough  read the raw files even if their sizes and times have not changed
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                return Stale(f"its format is {metadata.get('format')!r}, not {FORMAT!r}")
            if metadata["spec"] != spec.fingerprint:
                return Stale("the dataset's specification has changed")
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        digest = digest_tensors(tensors)
        if digest != metadata["digest"] or _seal(metadata) != metadata["seal"]:
            return Stale("its contents do not match their checksum")
        same_stat = metadata["raw_look"] == raw.stat()
        if (thorough or not same_stat) and metadata["raw_sha256"] != raw.checksum():
            return Stale("the raw files have changed", raw_changed=True)
        published = (
            {part: tensors.pop(f"split.{part}") for part in PARTS} if "split.train" in tensors else None
        )
        store = GraphStore.from_tensors(tensors)
        packed = Packed(store, metadata["features"], int(metadata["num_features"]), published)
    except FileNotFoundError:
        return Stale("")
    except KeyError as error:
        return Stale(f"it has no {error}")
    except (SafetensorError, OSError, ValueError) as error:
        return Stale(f"it cannot be read ({error})")
    if not same_stat:
        _refresh_stat(path, packed, metadata, raw)
    return packed, digest


def write_cache(path: Path, spec: DatasetSpec, raw: RawFiles, raw_checksum: str, packed: Packed) -> str:
    """Write the packed dataset and return the digest of its tensors (raises StorageError)."""
    metadata = {
        "format": FORMAT,
        "spec": spec.fingerprint,
        "features": packed.features,
        "num_features": str(packed.num_features),
        "raw_sha256": raw_checksum,
        "raw_look": raw.stat(),
        "digest": digest_tensors(packed.tensors()),
    }
    _write(path, packed, metadata)
    return metadata["digest"]


def _refresh_stat(path: Path, packed: Packed, metadata: dict[str, str], raw: RawFiles) -> None:
    """Store new times of the same raw files (copied, fetched again), so that the next load need not read them."""
    try:
        _write(path, packed, {**metadata, "raw_look": raw.stat()})
    except StorageError as error:  # in a read-only data folder the next load is slower
        log.debug("%s", error)


def _write(path: Path, packed: Packed, metadata: dict[str, str]) -> None:
    with storage_errors(path):
        replace_tensors(path, packed.tensors(), {**metadata, "seal": _seal(metadata)})


def _seal(metadata: dict[str, str]) -> str:
    """Return the checksum of the metadata, so that a flipped bit there is noticed too."""
    rest = {key: value for key, value in metadata.items() if key != "seal"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()
