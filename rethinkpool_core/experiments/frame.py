"""Runs as a table of pandas, and stores folded into one file."""

from __future__ import annotations

import json
import os
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from rethinkpool_core.errors import DataError, StorageError, needs_extra
from rethinkpool_core.experiments.schema import SCHEMA, row_of
from rethinkpool_core.experiments.store import ResultStore, committed_store, encoded
from rethinkpool_core.files.atomic import write_file
from rethinkpool_core.training.record import RunRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

_ORDER = itemgetter("dataset", "model", "cell", "seed")


@needs_extra("experiments", "load_results")
def load_results(
    store: str | os.PathLike[str] | None = None,
    *,
    cells: Iterable[str] | None = None,
    with_committed: bool = False,
) -> pd.DataFrame:
    """Return a table with a row per run of a store (`store_folder`), finished or failed, by dataset, model, cell and seed.

    cells             keep the runs of cells with these digests (`Cell.digest`)
    with_committed    add the runs committed in the clone (`committed_store`), except those that the store has finished

    Columns: key, cell, model, dataset, seed, metric, val_score, test_score (accuracy and ROC-AUC in [0, 1]), best_epoch, epochs,
    max_epochs, error (None if it ended well), seconds, peak_bytes, config and provenance (dicts), curves (a dict of lists, one
    value an epoch).

    Raises StorageError for a store that cannot be read, or whose files another version wrote. A damaged file is set aside with a
    warning.
    """
    import pandas as pd

    wanted = None if cells is None else set(cells)
    found = list(ResultStore(store).rows())
    committed = committed_store() if with_committed else None
    if committed is not None:
        finished = {row["key"] for row in found if row["error"] is None}
        added = [row for row in committed.rows() if row["key"] not in finished]
        replaced = {row["key"] for row in added}
        found = [row for row in found if row["key"] not in replaced] + added
    rows = [
        row
        | {name: json.loads(row[name]) for name in ("config", "provenance")}
        | {"curves": dict(row["curves"])}
        for row in found
        if wanted is None or row["cell"] in wanted
    ]
    rows.sort(key=_ORDER)
    return pd.DataFrame(rows, columns=SCHEMA.names).astype(
        {"val_score": float, "test_score": float, "seconds": float, "peak_bytes": float}
    )


def compact(sources: list[Path], target: Path, cells: Iterable[str] | None = None) -> int:
    """Fold stores, files of runs and files of JSON lines into the one file ``target``; returns how many runs it holds.

    Finished runs only; of a run that is there twice the first. With ``cells`` those of these digests.

    Raises StorageError or DataError, and leaves ``target`` as it was.
    """
    wanted, rows = None if cells is None else set(cells), {}
    for source in sources:
        for row in _rows(source):
            if row["error"] is None and (wanted is None or row["cell"] in wanted):
                rows.setdefault(row["key"], row)
    if not rows:
        raise DataError(
            f"there is no finished run to fold in {', '.join(map(str, sources))}: run the grid first"
        )
    write_file(target, encoded(sorted(rows.values(), key=_ORDER)))
    return len(rows)


def _rows(source: Path) -> Iterable[dict]:
    if source.is_dir():
        return ResultStore(source).rows()
    if not source.is_file():
        raise StorageError(
            f"there is no store or file {source}: name a store, a .parquet file or a .jsonl file"
        )
    if source.suffix == ".jsonl":
        return _of_json_lines(source)
    return ResultStore(source.parent).rows_of(source)


def _of_json_lines(source: Path) -> list[dict]:
    """`rethinkpool_core.bench.gpu` and ``RunRecord.to_json`` write these."""
    rows = []
    for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            rows.append(row_of(RunRecord.from_dict(json.loads(line))))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(
                f"line {number} of {source} is no run record ({type(error).__name__}: {error}): remove it or name another file"
            ) from error
    return rows
