"""Fetching of raw files from a local mirror folder, or with the download code of PyG and OGB."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from rethinkpool_core.datasets.sources.source import get_source
from rethinkpool_core.datasets.spec import DatasetSpec, get_spec
from rethinkpool_core.datasets.storage.layout import mirror_files, raw_folder
from rethinkpool_core.errors import DataError, RethinkPoolError
from rethinkpool_core.files.atomic import is_storage_failure, move_folder, scratch_folder, storage_errors
from rethinkpool_core.files.checksums import sha256
from rethinkpool_core.files.folders import data_root, expand_home

log = logging.getLogger(__name__)

SUMS_FILE = "SHA256SUMS"

CHECKSUMS = {
    "SMNIST/superpixels.npz": "0c1030c692db6f21fd297b963c2d28b96de55d0ab2605ce4137ef83d77e771e0",
    "TUDataset/DD.zip": "034ec1310cf179ed139c8d6492813753165d255261afd0f0f5588be3a4520fc8",
    "TUDataset/IMDB-BINARY.zip": "c45f4148bbf2fc4f5f66b3ea16fa207e96f3cc4c04e726fb0ea6adc0fc4e83a9",
    "TUDataset/NCI1.zip": "c9532d4cbb061c1b5424807240ed1ddefdd994df1d3f7c21173e6e2aa92ad41e",
    "TUDataset/NCI109.zip": "82d9bf4fb37ae7c51c258e019a4e8852ce4ce919be602c56f70b2ae0051e5040",
    "TUDataset/PROTEINS.zip": "e1aa1cee6fe96937979d4447b694f05fe2d6689ab6f2e701a651c84f645a53de",
    "ZINC/molecules.zip": "db6c6ef7df98afc6c4e12592181ed6dee3119370c272d10cae261de847a371e7",
    "ZINC/test.index": "0757269a5c70c053c555cfeae9d6f936da9c9e4587d985b8d3c7b5229c5d265d",
    "ZINC/train.index": "6920f15b118e4b0e333876bb8454b9a8279099d255bd4431848d8e81ee809820",
    "ZINC/val.index": "0757269a5c70c053c555cfeae9d6f936da9c9e4587d985b8d3c7b5229c5d265d",
    "ogb/hiv.zip": "ea9bd3b4450770751db276826523337aef26341d62725ae57970c1672bfd8422",
}
"""SHA-256 of the mirror files this package was tested with, by their path in a mirror."""


@dataclass(frozen=True)
class Fetched:
    """The result for one dataset; ``origin`` is ``mirror``, ``download``, ``present`` or ``built in``."""

    name: str
    folder: Path
    origin: str


def fetch(
    names: Iterable[str],
    root: str | os.PathLike[str] | None = None,
    source: str | os.PathLike[str] | None = None,
) -> list[Fetched]:
    """Put the raw files of datasets into the data folder, each set completely or not at all.

    names   datasets; all names are checked before the first is fetched
    root    the data folder; by default ``$RETHINKPOOL_DATA``, else the user's cache folder
    source  a mirror folder, whose files replace raw files that are there already. Without it, PyG and OGB download what is
            missing.

    Raises UnknownNameError if a name is not a dataset; DataError if the mirror lacks a file, a checksum differs, an archive is
    damaged, or a download failed; StorageError if the data folder cannot be written.
    """
    specs, base = [get_spec(name) for name in names], data_root(root)
    return [_fetch_one(spec, base, None if source is None else expand_home(source)) for spec in specs]


def _fetch_one(spec: DatasetSpec, root: Path, mirror: Path | None) -> Fetched:
    folder = raw_folder(spec, root)
    if not mirror_files(spec):
        return Fetched(spec.name, folder, "built in")
    if mirror is None:
        if folder.is_dir():
            return Fetched(spec.name, folder, "present")
        download(spec, root)
        return Fetched(spec.name, folder, "download")
    check_mirror(spec, mirror)
    with scratch_folder(folder) as scratch, storage_errors(folder):
        get_source(spec).unpack(spec, mirror, scratch / "made")
        move_folder(scratch / "made", folder)
    return Fetched(spec.name, folder, "mirror")


def download(spec: DatasetSpec, root: Path) -> None:
    """Download the raw files with the loader's own code, in a scratch folder, and move them into place.

    Raises DataError if the download failed; the message says how to use a mirror instead; StorageError if the disk is full, or
    the data folder cannot be written.
    """
    folder = raw_folder(spec, root)
    with scratch_folder(folder) as scratch:
        try:
            get_source(spec).download(spec, scratch / "made")
        except RethinkPoolError:
            raise
        except (Exception, SystemExit) as error:  # whatever the loaders and their network code may raise
            if is_storage_failure(error):
                with storage_errors(folder):
                    raise
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise DataError(
                f"{spec.name} is not in {root} and could not be downloaded ({reason}): "
                f"run `rethinkpool data fetch {spec.name} --from DIR` with a mirror folder"
            ) from None
        move_folder(scratch / "made", folder)


def check_mirror(spec: DatasetSpec, mirror: Path) -> None:
    """Check that the mirror has the files of a dataset, with the right checksums where one is known (raises DataError).

    A checksum in the mirror's own ``SHA256SUMS`` takes precedence over that of this package, since the publisher's archive
    differs in bytes from the copy that the package was tested with. A file without a known checksum is accepted.
    """
    if not mirror.is_dir():
        raise DataError(
            f"the mirror {mirror} is not a folder: give the one with TUDataset/, ogb/, ZINC/ and SMNIST/"
        )
    listed = _listed_sums(mirror)
    for name in mirror_files(spec):
        path = mirror / name
        if not path.is_file():
            raise DataError(
                f"the mirror {mirror} does not have {name}, which {spec.name} needs{_nearest(path)}"
            )
        expected = listed.get(name, CHECKSUMS.get(name))
        found = sha256(path)
        if expected is not None and found != expected:
            where = f"the mirror's {SUMS_FILE}" if name in listed else "this package"
            raise DataError(
                f"{path} has SHA256 {found[:12]}... where {where} lists {expected[:12]}...: "
                f"get the file again, or list its sum in the mirror's {SUMS_FILE} if you trust it"
            )
        if name in CHECKSUMS and found != CHECKSUMS[name]:
            log.warning(
                "%s is not the copy this package was tested with; its checksum is that in %s",
                path,
                mirror / SUMS_FILE,
            )


def _nearest(path: Path) -> str:
    others = (
        sorted(other.name for other in path.parent.glob(f"*{path.suffix}")) if path.parent.is_dir() else []
    )
    near = get_close_matches(path.name, others, n=1)
    return f" (the nearest there is {near[0]})" if near else ": point --from at a mirror that has it"


def _listed_sums(mirror: Path) -> dict[str, str]:
    path = mirror / SUMS_FILE
    if not path.is_file():
        return {}
    pairs = (line.split(maxsplit=1) for line in path.read_text(errors="replace").splitlines() if line.strip())
    return {
        pair[1].lstrip("*").removeprefix("./").strip(): pair[0].lower() for pair in pairs if len(pair) == 2
    }
