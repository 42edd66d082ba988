"""Atomic writes: a reader finds the old file or the new one, never a part of one."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rethinkpool_core.errors import StorageError

if TYPE_CHECKING:
    from torch import Tensor

_STORAGE_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EFBIG}


def is_storage_failure(error: BaseException) -> bool:
    """Return whether the disk is full or not writable (which torch's own writer reports as a RuntimeError)."""
    if isinstance(error, OSError):
        return error.errno in _STORAGE_ERRNOS
    return isinstance(error, RuntimeError) and "inline_container" in str(error)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn failures of the file system under ``path`` into a StorageError."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not is_storage_failure(error):
            raise
        place = Path(getattr(error, "filename", None) or path)
        place = (
            place.parent if place.name.startswith(".") else place
        )  # the name of a scratch file says nothing
        reason = getattr(error, "strerror", None) or "a file could not be written completely"
        raise StorageError(
            f"cannot use {place} ({reason}): check its permissions and "
            "the free space, or choose another data folder with --root or $RETHINKPOOL_DATA"
        ) from None


@contextmanager
def scratch_folder(beside: Path) -> Iterator[Path]:
    """Make a private folder next to ``beside``, on the same disk so that renames are atomic, and remove it at the end."""
    with storage_errors(beside):
        beside.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{beside.name}-", dir=beside.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file under another name and rename it (raises OSError and leaves nothing behind)."""
    aside = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        with aside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def write_file(path: Path, content: bytes) -> None:
    """Write a file that the user has named, or the one that this is a link to, as `replace_file` does (raises StorageError)."""
    with _write_errors(path):
        replace_file(path.resolve(), content)


def replace_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write a safetensors file as `replace_file` does, and the folders above it (raises OSError)."""
    from safetensors.torch import save

    # Serialised in memory, since Python's own write reports a full disk as OSError.
    content = save(tensors, metadata=metadata)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, content)


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write a safetensors file that the user has named, as `write_file` does, and the folders above it (raises StorageError)."""
    with _write_errors(path):
        replace_tensors(path.resolve(), tensors, metadata)


@contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write {path} ({error.strerror}): free some space or name another file"
        ) from None


def move_folder(finished: Path, target: Path) -> None:
    """Put the folder ``finished`` in the place of ``target``, which is removed only afterwards."""
    with storage_errors(target):
        for file in sorted(finished.rglob("*")):
            if file.is_file():
                with file.open("rb") as opened:
                    os.fsync(opened.fileno())
        try:
            finished.rename(target)
            return
        except OSError:
            if not target.is_dir():
                raise
        with scratch_folder(target) as aside:
            target.rename(aside / "old")
            try:
                finished.rename(target)
            except OSError:
                (aside / "old").rename(target)
                raise
