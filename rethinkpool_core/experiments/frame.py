"""Runs as a pandas table."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from rethinkpool_core.errors import needs_extra
from rethinkpool_core.experiments.schema import ORDER, SCHEMA
from rethinkpool_core.experiments.store import ResultStore, committed_store

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd


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
    value per epoch).

    Raises StorageError for a store that cannot be read, or whose files another version wrote. A damaged file is set aside with a
    warning.
    """
    wanted = None if cells is None else set(cells)
    found = list(ResultStore(store).rows())
    committed = committed_store() if with_committed else None
    if committed is not None:
        finished = {row["key"] for row in found if row["error"] is None}
        added = [row for row in committed.rows() if row["key"] not in finished]
        replaced = {row["key"] for row in added}
        found = [row for row in found if row["key"] not in replaced] + added
    rows = sorted((row for row in found if wanted is None or row["cell"] in wanted), key=ORDER)
    return frame_of_rows(rows).astype(
        {"val_score": float, "test_score": float, "seconds": float, "peak_bytes": float}
    )


def frame_of_rows(rows: Iterable[dict]) -> pd.DataFrame:
    """Return rows of `SCHEMA` as a table, with JSON and curves as dicts."""
    import pandas as pd

    plain = [
        row
        | {name: json.loads(row[name]) for name in ("config", "provenance")}
        | {"curves": dict(row["curves"])}
        for row in rows
    ]
    return pd.DataFrame(plain, columns=SCHEMA.names)
