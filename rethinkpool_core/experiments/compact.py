"""The runs of several stores and files as one file, such as those committed in ``results/``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from rethinkpool_core.errors import DataError, StorageError, UsageError
from rethinkpool_core.experiments.parquet import DamagedFile, encode_rows, read_rows
from rethinkpool_core.experiments.schema import ORDER, row_of
from rethinkpool_core.experiments.store import ResultStore
from rethinkpool_core.files.atomic import write_file
from rethinkpool_core.training.record import RunRecord


def compact(sources: list[Path], target: Path, cells: Iterable[str] | None = None) -> int:
    """Write the finished runs of several sources to the one file ``target`` and return their number.

    sources    stores, ``.parquet`` files of runs, ``.jsonl`` files of records; a run in several of them is taken from the first
    cells      keep the runs of cells with these digests (`Cell.digest`)

    Raises StorageError for a source that cannot be read, DataError where there is no run or a line is no record, UsageError
    where runs that are in ``target`` would be lost; ``target`` then stays as it was.
    """
    wanted, rows = None if cells is None else set(cells), {}
    for source in sources:
        for row in _rows(source):
            if row["error"] is None and (wanted is None or row["cell"] in wanted):
                rows.setdefault(row["key"], row)
    if not rows:
        raise DataError(f"there is no finished run in {', '.join(map(str, sources))}: run the grid first")
    lost = _keys_in(target) - rows.keys()
    if lost:
        raise UsageError(
            f"{target} has {len(lost)} runs that would be lost: name it as a source too, a `--from` for each, or write "
            "to another file"
        )
    write_file(target, encode_rows(sorted(rows.values(), key=ORDER)))
    return len(rows)


def _keys_in(target: Path) -> set[str]:
    try:
        return {row["key"] for row in read_rows(target, ["key"])}
    except (FileNotFoundError, DamagedFile):
        return set()


def _rows(source: Path) -> Iterable[dict]:
    if source.is_dir():
        return ResultStore(source).rows()
    if not source.is_file():
        raise StorageError(
            f"there is no store or file {source}: name a store, a .parquet file or a .jsonl file"
        )
    if source.suffix == ".jsonl":
        return _rows_of_lines(source)
    try:
        return read_rows(source)
    except DamagedFile as error:
        raise StorageError(
            f"{source} is no file of runs, {error}: name a store, a .parquet file or a .jsonl file"
        ) from None


def _rows_of_lines(source: Path) -> list[dict]:
    """Return the runs of a file with a record per line (`RunRecord.to_json`)."""
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
        raise StorageError(f"cannot read {source} ({reason}): name a .jsonl file of records") from None
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            record = RunRecord.from_dict(json.loads(line))
            if not record.stopped:
                rows.append(row_of(record))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(
                f"line {number} of {source} is no run record ({type(error).__name__}: {error}): remove it or name another file"
            ) from None
    return rows
