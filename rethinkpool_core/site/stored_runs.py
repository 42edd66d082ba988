"""The runs that a notebook shows: committed ones, those of a store, or runs that it trains first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rethinkpool_core.errors import RethinkPoolError
from rethinkpool_core.experiments.run import find_grid, run_grid
from rethinkpool_core.site.notebooks import project_folder

if TYPE_CHECKING:
    import pandas as pd

    from rethinkpool_core.training.record import RunRecord


def stored_runs(
    grid: str | None,
    *,
    rerun: bool = False,
    datasets: str = "",
    seeds: int = 20,
    store: str = "",
    device: str = "auto",
    root: str = "",
) -> pd.DataFrame:
    """Return the rows of `load_results` for the cells of a named grid, or of all cells for None.

    rerun       train the runs that the store does not have yet, and show the store's alone
    datasets    names separated by spaces; empty for all
    seeds       how many to train
    store       folder of runs; empty for the committed ones or, with ``rerun``, for the usual store
    device      to train on
    root        data folder; empty for the usual one

    Raises UnknownNameError for a grid or dataset that does not exist, and RethinkPoolError where runs failed.
    """
    from rethinkpool_core.experiments.frame import load_results

    if grid is None:
        return load_results(store or project_folder() / "results")
    chosen = find_grid(grid, seeds).restricted(datasets=datasets.split())
    if not rerun:
        return load_results(store or project_folder() / "results", cells=chosen.digests)
    report = run_grid(chosen, store or None, device=device, root=root or None, progress=False)
    if report.failures:
        name, reason = next(iter(report.failures.items()))
        count = len(report.failures)
        raise RethinkPoolError(f"{count} run{'s' if count > 1 else ''} failed, first {name}: {reason}")
    return load_results(store or None, cells=chosen.digests)


def frame_of(records: Iterable[RunRecord]) -> pd.DataFrame:
    """Return records of `train` as a table like that of `load_results`.

    Raises DataError for a run that was stopped early.
    """
    from rethinkpool_core.experiments.frame import frame_of_rows
    from rethinkpool_core.experiments.schema import row_of

    return frame_of_rows(map(row_of, records))
