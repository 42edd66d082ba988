"""Checksums of files."""

from __future__ import annotations

import hashlib
from pathlib import Path

from rethinkpool_core.errors import StorageError


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content in hex (raises StorageError where it cannot be read)."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise StorageError(f"cannot read {path} ({error.strerror}): check its permissions") from None
