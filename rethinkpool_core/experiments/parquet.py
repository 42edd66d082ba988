"""Rows of runs as Parquet files: written with checksums, and read only if they are whole."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from rethinkpool_core.errors import StorageError
from rethinkpool_core.experiments.schema import SCHEMA, VERSION

_MAGIC = b"PAR1"  # the last four bytes of every complete Parquet file


class DamagedFile(Exception):
    """A file of runs that cannot be read."""


def encode_rows(rows: list[dict]) -> bytes:
    """Return a Parquet file with these rows of `SCHEMA`."""
    buffer = io.BytesIO()
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    pq.write_table(table, buffer, compression="zstd", compression_level=9, write_page_checksum=True)
    return buffer.getvalue()


def read_rows(path: Path, columns: list[str] | None = None) -> list[dict]:
    """Return the rows of a file, or some of their columns.

    Raises DamagedFile for a file that cannot be read, StorageError for one of another version of the schema, FileNotFoundError.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            _check_schema(path, file.schema_arrow)
            return file.read(columns=columns).to_pylist()
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DamagedFile(f"it cannot be read ({' '.join(str(error).split())[:120]})") from error


def is_complete(path: Path) -> bool:
    """Whether a file ends as a Parquet file does, a quick check; True for a file that has gone."""
    try:
        with path.open("rb") as file:
            if file.seek(0, os.SEEK_END) < 12:
                return False
            file.seek(-4, os.SEEK_END)
            return file.read() == _MAGIC
    except OSError:
        return not path.exists()


def _check_schema(path: Path, schema: pa.Schema) -> None:
    version = (schema.metadata or {}).get(b"rethinkpool", b"none").decode()
    if version != VERSION:
        raise StorageError(
            f"{path} has schema version {version} and this package reads {VERSION}: move the file away, "
            "or use the version of the package that wrote it"
        )
    if not schema.equals(SCHEMA):
        raise DamagedFile("its columns are not those of runs")
