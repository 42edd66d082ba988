"""A store: a folder with one Parquet file per run, or files of many runs that `compact` made.

    STORE/KEY.parquet               a finished run (`Cell.key`)
    STORE/NAME.parquet              many finished runs in one file
    STORE/weights/KEY.safetensors   weights of a run at its best epoch, for grids that keep them
    STORE/failed/KEY.parquet        a run that ended with an error
    STORE/damaged/                  files that could not be read, moved there when that was found
    STORE/.locks/, .checkpoints/    of runs in training

Files are written aside and renamed, so none is ever half written. A run is finished if there is a file of its name.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rethinkpool_core.errors import StorageError
from rethinkpool_core.experiments.parquet import DamagedFile, encode_rows, is_complete, read_rows
from rethinkpool_core.experiments.schema import record_of, row_of
from rethinkpool_core.files.atomic import replace_file, replace_tensors
from rethinkpool_core.files.folders import chosen_folder, clone_folder
from rethinkpool_core.training.record import RunRecord

ENVIRONMENT_VARIABLE = "RETHINKPOOL_STORE"
_RUN = re.compile(r"[0-9a-f]{16}-\d+\.parquet")

log = logging.getLogger(__name__)


def store_folder(folder: str | os.PathLike[str] | None = None) -> Path:
    """``folder`` if given, else ``$RETHINKPOOL_STORE``, else ``rethinkpool/runs`` in the user's data folder."""
    from platformdirs import user_data_path

    return (
        chosen_folder(folder, ENVIRONMENT_VARIABLE) or user_data_path("rethinkpool", appauthor=False) / "runs"
    )


def committed_store() -> ResultStore | None:
    """The runs that are committed in ``results/`` of the clone (`clone_folder`); None outside a clone."""
    clone = clone_folder()
    return None if clone is None else ResultStore(clone / "results")


class ResultStore:
    """The runs in a folder (`store_folder`). Reading needs no more than the folder; call `prepare` before writing."""

    def __init__(self, folder: str | os.PathLike[str] | None = None):
        self.folder = store_folder(folder)

    def prepare(self) -> None:
        """Make the folder, check that it can be written to, and set damaged files of runs aside. Raises StorageError."""
        with self._storage_errors():
            for name in ("failed", ".locks", ".checkpoints"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        for path in [*self._files(), *self._files("failed")]:
            if not is_complete(path):
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

    def has(self, key: str, *, with_weights: bool = False) -> bool:
        """Whether a run has a file of its own, as one has that finished since `finished` was called.

        with_weights    whether its weights must be there too
        """
        found = (self.folder / f"{key}.parquet").exists()
        return found and (not with_weights or self.weights_path(key).exists())

    def failed(self) -> set[str]:
        """Keys of the runs that ended with an error and have not been finished since."""
        return {path.stem for path in self._files("failed")}

    def write(self, record: RunRecord, cell: str | None = None) -> str:
        """Write a record, with its weights if it has any, and return its key.

        Raises StorageError, which loses nothing that was there.
        """
        row = row_of(record, cell)
        key = row["key"]
        failed = self.folder / "failed" / f"{key}.parquet"
        with self._storage_errors():
            if record.weights is not None and not record.error:
                replace_tensors(self.weights_path(key), record.weights, {})
            replace_file(failed if record.error else self.folder / f"{key}.parquet", encode_rows([row]))
            if not record.error:
                failed.unlink(missing_ok=True)
        return key

    def weights_path(self, key: str) -> Path:
        """The file with the weights of a run, if its grid keeps them."""
        return self.folder / "weights" / f"{key}.safetensors"

    def keys_with_weights(self) -> set[str]:
        """Keys of the runs whose weights are there."""
        return {path.stem for path in (self.folder / "weights").glob("[!.]*.safetensors")}

    def records(self, keys: Iterable[str] | None = None) -> Iterator[RunRecord]:
        """The finished and failed runs in ``keys``, or all; each comes once."""
        return map(record_of, self.rows(keys))

    def rows(self, keys: Iterable[str] | None = None, columns: list[str] | None = None) -> Iterator[dict]:
        """As `records`, but as rows of `SCHEMA`, with all columns or some.

        A file that cannot be read is set aside with a warning or, where the store is read-only, left out with a warning.
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

    def rows_of(self, path: Path, columns: list[str] | None = None) -> list[dict]:
        """The rows of one file; none, and a warning, for a file that cannot be read."""
        try:
            return read_rows(path, columns)
        except FileNotFoundError:  # finished since, or set aside by another process
            return []
        except DamagedFile as error:
            self.set_aside(path, str(error))
            return []

    def lock(self, key: str):
        """A lock on one run, not yet acquired; the system frees it when the process that holds it ends, however it ends."""
        from filelock import FileLock

        return FileLock(self.folder / ".locks" / f"{key}.lock")

    def drop_lock_file(self, key: str) -> None:
        """Remove the lock file of a finished run: a call that then locks a new file of that name finds the run finished."""
        (self.folder / ".locks" / f"{key}.lock").unlink(missing_ok=True)

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints, with a folder per task."""
        return self.folder / ".checkpoints"

    def set_aside(self, path: Path, reason: str) -> None:
        """Move a damaged file to ``damaged/``, so that its runs count as not done."""
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
            ) from None
        return [folder / name for name in sorted(names) if name.endswith(".parquet") and name[0] != "."]

    @contextmanager
    def _storage_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"cannot write to the store {self.folder} ({error.strerror}): free some space, check its permissions, "
                "or name another with --store; what was finished before is safe"
            ) from None
