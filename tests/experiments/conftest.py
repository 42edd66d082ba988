"""Stores, small grids, and Dask inside this process, where tests can put something else in the place of training."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from threads import one_thread  # noqa: F401 - a fixture

from rethinkpool_core import load_dataset
from rethinkpool_core.experiments import engine, run, runner
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.grids import Grid
from rethinkpool_core.experiments.store import ResultStore
from rethinkpool_core.training.record import RunRecord


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory):
    """A data folder with the digits packed."""
    folder = tmp_path_factory.mktemp("data")
    load_dataset("DIGITS", folder)
    return folder


@pytest.fixture(autouse=True)
def environment(data_folder, monkeypatch):
    monkeypatch.setenv("RETHINKPOOL_DATA", str(data_folder))
    monkeypatch.delenv("RETHINKPOOL_STORE", raising=False)


@pytest.fixture
def store(tmp_path) -> ResultStore:
    made = ResultStore(tmp_path / "store")
    made.prepare()
    return made


@pytest.fixture(scope="session")
def cell() -> Cell:
    return Cell("N-MINCUTPOOL", "DIGITS", {"batch_size": 64}, max_epochs=2)


@pytest.fixture(scope="session")
def tiny() -> Grid:
    """Two cells that train in a second."""
    cells = [Cell(name, "DIGITS", {"batch_size": 256}, 1) for name in ("N-MINCUTPOOL", "N-DIFFPOOL-V2")]
    return Grid("tiny", "a test", tuple(cells), seeds=(1, 2))


@pytest.fixture(scope="session")
def record_of():
    """``record_of(cell, seed, score)``: what training might have given."""

    def make(cell: Cell, seed: int, score: float = 0.75, **values) -> RunRecord:
        curves = {"train_loss": [1.5, float("nan"), 1 / 3], "train_seconds": [0.1, 0.2, 0.3]}
        given = {
            "val_score": score,
            "test_score": score,
            "best_epoch": 2,
            "epochs": 3,
            "curves": curves,
            "config": cell.config | {"max_nodes": 64},
            "provenance": {"commit": None, "versions": {"torch": "2"}, "seconds": 2.5, "peak_bytes": 10**9},
        }
        return RunRecord(cell.model, cell.spec.name, seed, cell.spec.metric, **given | values)

    return make


@pytest.fixture(scope="session")
def client():
    from distributed import Client

    with Client(
        processes=False, n_workers=2, threads_per_worker=1, dashboard_address=":0", set_as_default=False
    ) as made:
        yield made


@pytest.fixture
def here(client, monkeypatch):
    """The engine local has its workers in this process."""

    @contextmanager
    def start(name, plan, **options):
        with client.as_current():
            yield engine.Engine(client, "cpu")

    monkeypatch.setattr(run, "start_engine", start)
    monkeypatch.setattr(runner, "POLL_SECONDS", 0.05)
