"""A folder of results: one Parquet file a run, and files of many runs that `compact` made.

    STORE/KEY.parquet            a finished run (`Cell.key`)
    STORE/NAME.parquet           many of them in one file
    STORE/failed/KEY.parquet     a run that ended with an error, which it holds
    STORE/damaged/               files that could not be read, put there by whoever found them
    STORE/.locks/, .checkpoints/ of runs under way

Files are written aside and renamed, so there is never half a one; whether a run is finished is told by the name of its file.
"""

from __future__ import annotations

import io
import logging
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rethinkpool_core.errors import StorageError
from rethinkpool_core.experiments.schema import SCHEMA, VERSION, record_of, row_of
from rethinkpool_core.files.atomic import replace_file
from rethinkpool_core.files.folders import chosen_folder, clone_folder
from rethinkpool_core.training.record import RunRecord

ENVIRONMENT_VARIABLE = "RETHINKPOOL_STORE"
_RUN = re.compile(r"[0-9a-f]{16}-\d+\.parquet")
_MAGIC = b"PAR1"  # the last four bytes of every whole Parquet file

log = logging.getLogger(__name__)


def store_folder(folder: str | os.PathLike[str] | None = None) -> Path:
    """``folder`` if given, else ``$RETHINKPOOL_STORE``, else one among the user's data."""
    from platformdirs import user_data_path

    return (
        chosen_folder(folder, ENVIRONMENT_VARIABLE) or user_data_path("rethinkpool", appauthor=False) / "runs"
    )


def committed_store() -> ResultStore | None:
    """The runs that are committed in ``results/`` of the clone (`clone_folder`); None outside a clone."""
    clone = clone_folder()
    return None if clone is None else ResultStore(clone / "results")


class ResultStore:
    """Reading needs the folder alone; `prepare` makes it before anything is written."""

    def __init__(self, folder: str | os.PathLike[str] | None = None):
        self.folder = store_folder(folder)

    def prepare(self) -> None:
        """Make the folder and try to write there (StorageError); put damaged files of runs aside."""
        with self._storage_errors():
            for name in ("failed", ".locks", ".checkpoints"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        for path in [*self._files(), *self._files("failed")]:
            if not _whole(path):
                self.set_aside(path, "it is cut short")

    def finished(self) -> set[str]:
        """Keys of all finished runs."""
        keys = set()
        for path in self._files():
            if _RUN.fullmatch(path.name):
                keys.add(path.stem)
            else:
                keys.update(row["key"] for row in self.rows_of(path, ["key"]))
        return keys

    def has(self, key: str) -> bool:
        """Whether a run has finished since `finished` was called."""
        return (self.folder / f"{key}.parquet").exists()

    def failed(self) -> set[str]:
        """Keys of the runs that ended with an error and have not been finished since."""
        return {path.stem for path in self._files("failed")}

    def write(self, record: RunRecord, cell: str | None = None) -> str:
        """Put a record in its place and return its key (StorageError, which loses nothing that was there)."""
        row = row_of(record, cell)
        key = row["key"]
        failed = self.folder / "failed" / f"{key}.parquet"
        with self._storage_errors():
            replace_file(failed if record.error else self.folder / f"{key}.parquet", encoded([row]))
            if not record.error:
                failed.unlink(missing_ok=True)
        return key

    def records(self, keys: Iterable[str] | None = None) -> Iterator[RunRecord]:
        """Of finished and failed runs, those in ``keys`` or all; a run that is there twice comes once."""
        return map(record_of, self.rows(keys))

    def rows(self, keys: Iterable[str] | None = None, columns: list[str] | None = None) -> Iterator[dict]:
        """As `records`, as rows of `SCHEMA`.

        What cannot be read is set aside with a warning, or left out with one where the store is read-only.
        """
        wanted, seen = None if keys is None else set(keys), set()
        columns = columns and list(dict.fromkeys(["key", *columns]))
        for path in [*self._files(), *self._files("failed")]:
            if wanted is not None and _RUN.fullmatch(path.name) and path.stem not in wanted:
                continue
            for row in self.rows_of(path, columns):
                if row["key"] not in seen and (wanted is None or row["key"] in wanted):
                    seen.add(row["key"])
                    yield row

    def lock(self, key: str):
        """A lock on one run, not yet taken: the system frees it when the process that holds it ends, however it ends."""
        from filelock import FileLock

        return FileLock(self.folder / ".locks" / f"{key}.lock")

    def drop_lock_file(self, key: str) -> None:
        """Of a run that is finished: whoever locks another file of that name finds that it is."""
        (self.folder / ".locks" / f"{key}.lock").unlink(missing_ok=True)

    @property
    def checkpoints(self) -> Path:
        """Of the tasks under way, a folder each."""
        return self.folder / ".checkpoints"

    def set_aside(self, path: Path, reason: str) -> None:
        """Move a damaged file to ``damaged/``, so that its run counts as not done."""
        folder = self.folder / "damaged"
        try:
            folder.mkdir(exist_ok=True)
            number = 1
            while (target := folder / f"{path.name}.{number}").exists():
                number += 1
            path.rename(target)
        except FileNotFoundError:  # another process was faster
            return
        except OSError as error:
            log.warning(
                "%s is left out (%s), and could not be moved aside (%s)", path, reason, error.strerror
            )
            return
        log.warning("%s was moved to %s: %s; its runs count as not done", path.name, folder, reason)

    def _files(self, below: str = ".") -> list[Path]:
        folder = self.folder / below
        try:
            with os.scandir(folder) as entries:
                names = [entry.name for entry in entries]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise StorageError(
                f"cannot read the store {folder} ({error.strerror}): check its permissions or name another with --store"
            ) from error
        return [folder / name for name in sorted(names) if name.endswith(".parquet") and name[0] != "."]

    def _checked(self, path: Path):
        """The file's Parquet reader; raises StorageError for one of another version of the schema."""
        import pyarrow.parquet as pq

        file = pq.ParquetFile(path, page_checksum_verification=True)
        version = (file.schema_arrow.metadata or {}).get(b"rethinkpool", b"none").decode()
        if version != VERSION:
            file.close()
            raise StorageError(
                f"{path} has schema version {version} and this package reads {VERSION}: move the file away, "
                "or use the version of the package that wrote it"
            )
        if not file.schema_arrow.equals(SCHEMA):
            file.close()
            raise ValueError("its columns are not those of runs")
        return file

    def rows_of(self, path: Path, columns: list[str] | None = None) -> list[dict]:
        """Rows of one file; none if it cannot be read, which is told."""
        import pyarrow as pa

        try:
            with self._checked(path) as file:
                return file.read(columns=columns).to_pylist()
        except FileNotFoundError:  # finished since, or set aside by another process
            return []
        except (pa.ArrowException, OSError, ValueError) as error:
            self.set_aside(path, f"it cannot be read ({' '.join(str(error).split())[:120]})")
            return []

    @contextmanager
    def _storage_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"cannot write to the store {self.folder} ({error.strerror}): free some space, check its permissions, "
                "or name another with --store; what was finished before is safe"
            ) from error


def encoded(rows: list[dict]) -> bytes:
    """A Parquet file with these rows of `SCHEMA`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    pq.write_table(table, buffer, compression="zstd", compression_level=9, write_page_checksum=True)
    return buffer.getvalue()


def _whole(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            if file.seek(0, os.SEEK_END) < 12:
                return False
            file.seek(-4, os.SEEK_END)
            return file.read() == _MAGIC
    except OSError:
        return path.exists() is False  # gone meanwhile: nothing to put aside
