"""The committed runs as CSV files of the site: one per Parquet file of ``results/``, a row per run, without curves."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rethinkpool_core.analysis.tables import settings_of
from rethinkpool_core.experiments.parquet import read_rows
from rethinkpool_core.experiments.repeat import device_option, repeat_command
from rethinkpool_core.files.folders import clone_folder

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "dataset", "model", "settings", "seed", "metric", "test_score", "val_score", "best_epoch", "epochs", "error",
    "seconds", "peak_bytes", "device", "machine", "versions", "commit", "dataset_checksum", "command", "repeat", "key",
)  # fmt: skip


def write_results_csv(folder: Path) -> list[Path]:
    """Write ``NAME.csv`` for each ``results/NAME.parquet`` of the clone, and return the files."""
    from rethinkpool_core.experiments.frame import load_results

    folder.mkdir(parents=True, exist_ok=True)
    runs, written = None, []
    for source in committed_files():
        runs = load_results(source.parent) if runs is None else runs
        target = folder / f"{source.stem}.csv"
        results_csv(runs[runs.key.isin(_keys(source))]).to_csv(target, index=False)
        written.append(target)
    return written


def results_csv(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the columns `COLUMNS` of a table of runs, with the command that repeats each (``repeat``)."""
    import pandas as pd

    settings = settings_of(runs)
    rows = [
        {name: getattr(run, name, None) for name in COLUMNS}
        | {
            name: run.provenance.get(name)
            for name in ("device", "machine", "commit", "dataset_checksum", "command")
        }
        | {
            "settings": settings[run.cell],
            "versions": versions_text(run.provenance),
            "repeat": repeat_of(run),
        }
        for run in runs.itertuples()
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def repeat_of(run: Any) -> str:
    """Return the command that trains a run (a row of `load_results`) again, with the seeds that it trained beside."""
    device = device_option(run.provenance.get("device"))
    return repeat_command(run.model, run.dataset, run.config, trained_together(run), device)


def trained_together(run: Any) -> list[int]:
    """Return the seeds that trained side by side with a run, its own included."""
    return run.provenance.get("side_by_side") or [run.seed]


def versions_text(provenance: dict[str, Any]) -> str:
    """Return ``"Python 3.11.7, torch 2.13.0, ..."``."""
    versions = provenance.get("versions", {})
    return ", ".join(
        f"{'Python' if name == 'python' else name} {versions[name]}"
        for name in ("python", "torch", "numpy", "rethinkpool")
        if versions.get(name)
    )


def committed_files() -> list[Path]:
    """The Parquet files of ``results/`` in the clone; none outside a clone."""
    clone = clone_folder()
    return [] if clone is None else sorted((clone / "results").glob("*.parquet"))


def files_with(keys: Iterable[str]) -> list[Path]:
    """The committed files in which any of these runs is."""
    wanted = set(keys)
    return [path for path in committed_files() if not wanted.isdisjoint(_keys(path))]


def _keys(path: Path) -> frozenset[str]:
    return _keys_of(path, path.stat().st_mtime_ns)


@cache
def _keys_of(path: Path, changed: int) -> frozenset[str]:
    """``changed`` is the time of the last change, so that a new file is read anew."""
    return frozenset(row["key"] for row in read_rows(path, ["key"]))
