"""A run as one row of a Parquet file, which pyarrow, pandas and DuckDB can read."""

from __future__ import annotations

import json
from operator import itemgetter
from typing import Any

import pyarrow as pa

from rethinkpool_core.errors import DataError
from rethinkpool_core.experiments.cell import cell_digest
from rethinkpool_core.training.record import RunRecord

VERSION = "1"
"""Version of the columns."""

SCHEMA = pa.schema(
    {
        "key": pa.string(),
        "cell": pa.string(),
        "model": pa.string(),
        "dataset": pa.string(),
        "seed": pa.int64(),
        "metric": pa.string(),
        "val_score": pa.float64(),
        "test_score": pa.float64(),
        "best_epoch": pa.int32(),
        "epochs": pa.int32(),
        "max_epochs": pa.int32(),
        "error": pa.string(),
        "seconds": pa.float64(),  # of a task, divided by its seeds; after an interruption, of the training passes
        "peak_bytes": pa.int64(),  # of memory, in the process or on the GPU that trained it
        "config": pa.string(),  # JSON
        "provenance": pa.string(),  # JSON
        "curves": pa.map_(pa.string(), pa.list_(pa.float64())),
    },
    metadata={"rethinkpool": VERSION},
)


ORDER = itemgetter("dataset", "model", "cell", "seed")
"""Key by which rows are sorted."""


def row_of(record: RunRecord, cell: str | None = None) -> dict[str, Any]:
    """Return a record as a row; its weights are left out.

    cell    digest of its cell, where that is known; else it is computed from the record. The two differ for a TU set outside
            the paper whose data say something else than its spec

    Raises DataError for a run that was stopped early, which a store would count as finished.
    """
    if record.stopped:
        raise DataError(
            f"the run of {record.model} on {record.dataset} with seed {record.seed} was stopped early, "
            f"after epoch {record.epochs}: train it to its end before it is stored"
        )
    cell = cell or cell_digest(record)
    provenance = dict(record.provenance)
    return {
        "key": f"{cell}-{record.seed}",
        "cell": cell,
        "model": record.model,
        "dataset": record.dataset,
        "seed": record.seed,
        "metric": record.metric,
        "val_score": record.val_score,
        "test_score": record.test_score,
        "best_epoch": record.best_epoch,
        "epochs": record.epochs,
        "max_epochs": record.config.get("max_epochs"),
        "error": record.error,
        "seconds": provenance.pop("seconds", None),
        "peak_bytes": provenance.pop("peak_bytes", None),
        "config": json.dumps(record.config, sort_keys=True),
        "provenance": json.dumps(provenance, sort_keys=True),
        "curves": list(record.curves.items()),
    }


def record_of(row: dict[str, Any]) -> RunRecord:
    """Inverse of `row_of`."""
    measured = {key: row[key] for key in ("seconds", "peak_bytes") if row[key] is not None}
    return RunRecord(
        **{
            name: row[name]
            for name in ("model", "dataset", "seed", "metric", "val_score", "test_score", "error")
        },
        best_epoch=row["best_epoch"],
        epochs=row["epochs"],
        curves=dict(row["curves"]),
        config=json.loads(row["config"]),
        provenance=json.loads(row["provenance"]) | measured,
    )
