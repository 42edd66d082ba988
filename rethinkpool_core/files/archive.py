"""Unpacking of zip archives that are not trusted."""

from __future__ import annotations

import lzma
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from rethinkpool_core.errors import DataError, StorageError
from rethinkpool_core.files.atomic import scratch_folder, storage_errors

_ENCRYPTED = 0x1


def unpack_folder(archive: Path, name: str, into: Path) -> None:
    """Unpack an archive that holds one folder ``name/`` so that the new folder ``into`` has its content.

    Raises what `unpack_zip` raises, and DataError where there is no such folder.
    """
    with scratch_folder(into) as scratch:
        unpack_zip(archive, scratch / "all")
        inner = scratch / "all" / name
        if not inner.is_dir():
            raise DataError(
                f"{archive} holds no folder {name}/: it is another dataset's archive, get the right one"
            )
        inner.rename(into)


def unpack_zip(archive: Path, into: Path) -> None:
    """Unpack ``archive`` into the new folder ``into``, after a check of every member.

    Raises DataError if the archive is truncated, damaged or encrypted, or a member is a link or another special file, occurs
    twice, is inside a file or would be written outside the folder; StorageError if the disk is too small, or the folder cannot
    be written.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = opened.infolist()
            _check_members(archive, members)
            with storage_errors(into):
                into.mkdir(parents=True)
                _check_room(archive, members, into)
                for member in members:
                    _write(opened, member, into)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError) as error:
        raise DataError(f"{archive} is damaged or incomplete ({error}): get it again") from None


def _check_members(archive: Path, members: list[zipfile.ZipInfo]) -> None:
    seen: set[str] = set()
    files = {_folded(PurePosixPath(member.orig_filename)) for member in members if not member.is_dir()}
    for member in members:
        name = member.orig_filename
        path = PurePosixPath(name)
        kind = stat.S_IFMT(member.external_attr >> 16)
        if (
            path.is_absolute()
            or ".." in path.parts
            or "\\" in name
            or ":" in name
            or "\0" in name
            or not path.parts
        ):
            problem = "would be written outside the target folder"
        elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            problem = "is a link or a special file"
        elif member.flag_bits & _ENCRYPTED:
            problem = "is encrypted"
        elif _folded(path) in seen:
            problem = "occurs twice"
        elif any(_folded(folder) in files for folder in path.parents):
            problem = "is inside another member, which is a file"
        else:
            seen.add(_folded(path))
            continue
        raise DataError(f"{archive} is refused, nothing was unpacked: its member {name!r} {problem}")


def _folded(path: PurePosixPath) -> str:
    """Return what is the same for two paths that are one file on a system that ignores case."""
    return path.as_posix().casefold()


def _check_room(archive: Path, members: list[zipfile.ZipInfo], into: Path) -> None:
    needed, free = sum(member.file_size for member in members), shutil.disk_usage(into).free
    if needed > free:
        raise StorageError(
            f"{archive} unpacks to {needed / 2**20:.1f} MiB where only {free / 2**20:.1f} MiB are left: "
            "free some space, or choose another data folder with --root or $RETHINKPOOL_DATA"
        )


def _write(opened: zipfile.ZipFile, member: zipfile.ZipInfo, into: Path) -> None:
    target = into / PurePosixPath(member.filename)
    if member.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(member) as packed, target.open("xb") as file:
        shutil.copyfileobj(packed, file, 1 << 20)
