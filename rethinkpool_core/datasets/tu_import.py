"""Import of a reader's own dataset in the layout of TU Dortmund: a folder or a zip becomes ``TU:NAME`` in the data folder."""

from __future__ import annotations

import filecmp
import os
import shutil
import zipfile
from pathlib import Path, PurePosixPath

from rethinkpool_core.datasets.spec import DATASETS, DatasetSpec, get_spec
from rethinkpool_core.datasets.storage.layout import raw_folder
from rethinkpool_core.errors import DataError, RethinkPoolError, UnknownNameError, UsageError
from rethinkpool_core.files.archive import unpack_zip
from rethinkpool_core.files.atomic import move_folder, scratch_folder, storage_errors
from rethinkpool_core.files.folders import data_root, expand_home

_EDGES = "_A.txt"
_DEEPEST = 3  # names of folders above the file of edges: NAME/raw/NAME_A.txt has two
_REMEDIES = ("; fetch the set again", "; fetch it again")  # of the readers' messages, about sets of others


def is_path(word: str) -> bool:
    """Return whether a word in the place of a dataset's name is a path: it has a slash, ends with ``.zip``, or exists."""
    if word in DATASETS or word.startswith("TU:"):
        return False
    return "/" in word or os.sep in word or word.endswith(".zip") or Path(word).is_dir()


def name_in(path: str | os.PathLike[str]) -> str:
    """Return the name ``TU:NAME`` of the set in a folder or a zip, from its file ``NAME_A.txt``; nothing is copied.

    Raises DataError where there is no such file, or more than one; UsageError for a name that cannot be used.
    """
    path = expand_home(path)
    return _spec_of(_edges_in(path).name.removesuffix(_EDGES)).name


def import_tu(
    path: str | os.PathLike[str], root: str | os.PathLike[str] | None = None, name: str | None = None
) -> str:
    """Check the set in a folder or a zip, copy it to the data folder, and return its name there, ``TU:NAME``.

    path  a folder or zip that holds the files ``NAME_A.txt``, ``NAME_graph_indicator.txt``, ``NAME_graph_labels.txt`` and so on,
          itself or in a folder inside
    root  the data folder; by default ``$RETHINKPOOL_DATA``, else the user's cache folder
    name  its new name; by default that of the files

    A set that is there already with the same files stays as it is.

    Raises DataError for a path without such a set, files that cannot be used, and a name that another set has; UsageError for a
    name that cannot be used; StorageError if the data folder cannot be written. Nothing is left behind then.
    """
    path, base = expand_home(path), data_root(root)
    edges = _edges_in(path)
    old = edges.name.removesuffix(_EDGES)
    spec = _spec_of(old if name is None else name)
    target = raw_folder(spec, base)
    with scratch_folder(target) as scratch, storage_errors(target):
        folder = path
        if path.is_file():
            folder = scratch / "zip"
            unpack_zip(path, folder)
        made = scratch / spec.upstream
        (made / "raw").mkdir(parents=True)
        for file in sorted((folder / edges).parent.glob(f"{old}_*.txt")):
            shutil.copyfile(file, made / "raw" / f"{spec.upstream}{file.name.removeprefix(old)}")
        if target.is_dir():
            if _same_files(target / "raw", made / "raw"):
                return spec.name
            raise DataError(
                f"there is another set {spec.name} in {base}: give this one a name of its own with "
                f"`rethinkpool data import {path} --name NAME`"
            )
        _check(spec, made, scratch, path)
        move_folder(made, target)
    return spec.name


def _edges_in(path: Path) -> PurePosixPath:
    """Return the path of the file of edges within a folder or a zip."""
    if path.is_dir():
        found = [PurePosixPath(file.relative_to(path).as_posix()) for file in path.rglob(f"*{_EDGES}")]
    elif path.is_file():
        try:
            with zipfile.ZipFile(path) as opened:
                found = [PurePosixPath(name) for name in opened.namelist() if name.endswith(_EDGES)]
        except zipfile.BadZipFile:
            raise DataError(f"{path} is neither a folder nor a zip: give one that holds a TU set") from None
    else:
        raise DataError(
            f"there is no {path}: give a folder or a zip that holds a TU set, or a dataset's name"
        )
    # What macOS adds to an archive is no data.
    found = [file for file in found if len(file.parts) <= _DEEPEST and "__MACOSX" not in file.parts]
    if len(found) != 1:
        several = f" ({', '.join(sorted(map(str, found))[:3])})" if found else ""
        raise DataError(
            f"{path} has {len(found) or 'no'} files NAME{_EDGES}{several}, the edges of a TU set: give a folder or a zip with one"
        )
    return found[0]


def _spec_of(name: str) -> DatasetSpec:
    try:
        spec = get_spec(f"TU:{name}")
    except UnknownNameError:
        raise UsageError(
            f"a TU set cannot be named {name!r}: use letters, digits and - _ . + in --name"
        ) from None
    if spec.name != f"TU:{name}":
        raise UsageError(
            f"{name} is the published set {spec.name}: give yours another name with `rethinkpool data import PATH --name NAME`"
        )
    return spec


def _same_files(one: Path, two: Path) -> bool:
    names = [sorted(file.name for file in folder.glob("*.txt")) for folder in (one, two)]
    if names[0] != names[1]:
        return False
    return not any(filecmp.cmpfiles(one, two, names[0], shallow=False)[1:])


def _check(spec: DatasetSpec, made: Path, scratch: Path, path: Path) -> None:
    """Read the set as it will be read, so that nothing is kept that cannot be used."""
    from rethinkpool_core.datasets.sources.source import get_source
    from rethinkpool_core.datasets.splits import stratified_split

    try:
        packed = get_source(spec).read(spec, made, scratch / "read")
        stratified_split(packed.store.y, 0)
    except RethinkPoolError as error:
        reason = str(error).replace(str(made / "raw"), str(path))
        for remedy in _REMEDIES:
            reason = reason.removesuffix(remedy)
    except Exception as error:  # PyG failed on files that our own checks let through
        reason = " ".join(str(error).split())[:200] or type(error).__name__
    else:
        return
    raise DataError(f"{path} was not imported, {reason}: correct its files")
