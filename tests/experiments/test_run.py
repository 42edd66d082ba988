"""A grid from call to store, with Dask inside this process."""

from __future__ import annotations

import math
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from rethinkpool_core import load_results, run_grid, train
from rethinkpool_core.errors import DataError, GraphTooLargeError, StorageError, UsageError
from rethinkpool_core.experiments import runner, work
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.compact import compact
from rethinkpool_core.experiments.engine import Engine
from rethinkpool_core.experiments.grids import Grid
from rethinkpool_core.experiments.store import ResultStore
from rethinkpool_core.training.interrupt import stop_requests

pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture
def go(tmp_path):
    """``go(grid, ...)``: run it quietly in the store of this test."""
    return lambda grid, **options: run_grid(
        grid, tmp_path / "store", **{"progress": False, "workers": 1} | options
    )


@pytest.fixture
def training(monkeypatch):
    """``training(function)`` puts ``function(real train, *args, **options)`` in the place of `train`."""
    import rethinkpool_core

    def put(function):
        def replaced(*args, **options):
            return function(train, *args, **options)

        monkeypatch.setattr(rethinkpool_core, "train", replaced, raising=False)

    return put


def test_a_grid_and_again(go, tiny, tmp_path):
    report = go(tiny)
    assert (report.trained, report.found, report.failures) == (4, 0, {})
    frame = load_results(tmp_path / "store")
    assert sorted(frame.key) == sorted(cell.key(seed) for cell in tiny.cells for seed in tiny.seeds)
    assert (
        frame.test_score.between(0, 1).all() and (frame.seconds > 0).all() and (frame.peak_bytes > 1e7).all()
    )
    store = ResultStore(tmp_path / "store")
    assert not list((store.folder / ".locks").iterdir()), "of finished runs nothing is left"
    assert not list((store.folder / ".checkpoints").iterdir())
    before = {path: path.stat().st_mtime_ns for path in store.folder.glob("*.parquet")}
    assert go(tiny).found == 4
    assert go(tiny, seeds=[1, 2, 3]).trained == 2
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_workers_remove_their_checkpoints_without_an_error(go, tiny, monkeypatch, caplog):
    removed = []
    monkeypatch.setattr(work, "remove_checkpoints", lambda task, *where: removed.append(task))
    go(tiny, seeds=[1])
    deadline = time.monotonic() + 10
    while len(removed) < 2 * 2 and time.monotonic() < deadline:  # two tasks on two workers
        time.sleep(0.05)
    assert len(removed) == 4 and len(set(removed)) == 2
    assert not [record for record in caplog.records if "broadcast" in record.getMessage()]


def test_runs_of_a_compacted_file_are_not_repeated(go, tiny, tmp_path):
    """Half of a task is finished: only its other half is trained."""
    go(tiny, seeds=[1])
    store = tmp_path / "store"
    compact([store], tmp_path / "all.parquet")
    for path in store.glob("*.parquet"):
        path.unlink()
    (tmp_path / "all.parquet").rename(store / "all.parquet")
    report = go(tiny)
    assert (report.trained, report.found) == (2, 2)


def test_committed_runs_are_not_repeated_where_asked(go, tiny, tmp_path, monkeypatch):
    go(tiny, seeds=[1])
    (tmp_path / "clone").mkdir()
    (tmp_path / "store").rename(tmp_path / "clone" / "results")
    monkeypatch.setattr("rethinkpool_core.experiments.store.clone_folder", lambda: tmp_path / "clone")
    report = go(tiny, with_committed=True)
    assert (report.trained, report.found) == (2, 2)
    assert len(load_results(tmp_path / "store")) == 2
    assert len(load_results(tmp_path / "store", with_committed=True)) == 4
    assert go(tiny).trained == 2


def test_records_are_those_of_train(go, tiny, tmp_path, data_folder):
    from rethinkpool_core import build_model, load_dataset

    go(tiny)
    cell = tiny.cells[0]
    dataset = load_dataset("DIGITS", data_folder)
    expected = train(
        build_model(cell.model, dataset),
        dataset,
        2,
        max_epochs=1,
        device="cpu",
        progress=False,
        batch_size=256,
    )
    found = {r.seed: r for r in ResultStore(tmp_path / "store").records() if r.model == cell.model}
    for record in expected:
        other = found[record.seed]
        assert other.config == record.config and other.best_epoch == record.best_epoch
        assert math.isclose(other.test_score, record.test_score, abs_tol=0.01)
        assert other.curves["val_loss"] == pytest.approx(record.curves["val_loss"], rel=1e-4)


def test_one_seed_that_fails_harms_no_other(go, tiny, training):
    def fail(real, model, dataset, seeds, **options):
        if 2 in seeds:
            raise ZeroDivisionError("seed 2\nis unlucky")
        return real(model, dataset, seeds, **options)

    training(fail)
    report = go(tiny)
    assert report.trained == 2 and len(report.failures) == 2
    assert all(
        "seed 2" in name and reason == "ZeroDivisionError: seed 2 is unlucky"
        for name, reason in report.failures.items()
    )
    training(lambda real, *args, **options: pytest.fail("trained"))
    again = go(tiny)
    assert (again.trained, again.found, len(again.failures)) == (0, 2, 2), "told again, not tried again"
    training(lambda real, *args, **options: real(*args, **options))
    assert (retried := go(tiny, retry_failed=True)).trained == 2 and not retried.failures
    assert go(tiny).found == 4


def test_an_error_of_ours_is_told_as_it_is(go, tiny, training, tmp_path):
    calls = []

    def fail(real, model, dataset, seeds, **options):
        calls.append(seeds)
        raise DataError("the file is gone: fetch it again")

    training(fail)
    report = go(tiny)
    assert set(report.failures.values()) == {"the file is gone: fetch it again"}
    assert len(calls) == 2, "alone a seed would not fare better"
    frame = load_results(tmp_path / "store")
    assert len(frame) == 4 and set(frame.error) == {"the file is gone: fetch it again"}
    assert frame.test_score.isna().all() and list(frame.config[0]["model"])


def test_a_loss_that_is_not_finite(go, tiny):
    cell = Cell("N-MINCUTPOOL", "DIGITS", {"batch_size": 256, "learning_rate": 1e30}, 2)
    report = go(replace(tiny, cells=(cell, tiny.cells[0])))
    assert report.trained == 2 and len(report.failures) == 2
    assert all("lower learning_rate" in reason for reason in report.failures.values())


def test_too_little_memory_halves_the_replicas(go, tiny, training):
    asked = []

    def small(real, model, dataset, seeds, *, replicas, **options):
        asked.append((model.name, replicas))
        if replicas != 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(model, dataset, seeds, replicas=replicas, **options)

    training(small)
    report = go(tiny)
    assert report.trained == 4 and not report.failures
    assert sorted(asked) == [(name, n) for name in ("N-DIFFPOOL-V2", "N-MINCUTPOOL") for n in (0, 1)]
    assert len(report.notes) == 2 and all("training 1 at a time" in note for note in report.notes)


def test_too_little_memory_for_more_replicas_than_seeds(go, tiny, training):
    """Half of the seeds are tried next, not half of a number that made no difference; the cell keeps what it was given."""
    asked = []

    def small(real, model, dataset, seeds, *, replicas, **options):
        asked.append(replicas)
        if replicas != 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(model, dataset, seeds, replicas=replicas, **options)

    training(small)
    cells = [replace(cell, parameters=cell.parameters | {"replicas": 64}) for cell in tiny.cells]
    report = go(replace(tiny, cells=tuple(cells)))
    assert report.trained == 4 and sorted(asked) == [1, 1, 64, 64] and len(report.notes) == 2
    assert all(cell.split_parameters[1] == {"batch_size": 256, "replicas": 64} for cell in cells)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    ],
)
def test_too_little_memory_for_one(error, go, tiny, training):
    training(lambda real, *args, **options: (_ for _ in ()).throw(error))
    report = go(tiny)
    assert not report.trained and len(report.failures) == 4
    assert work.out_of_memory(error) and not work.out_of_memory(RuntimeError("other"))


def test_checkpoints_of_another_version_begin_anew(go, tiny, tmp_path, training):
    def foreign_at_first(real, model, *args, checkpoint_dir, **options):
        if not checkpoint_dir.exists() and model.name not in harmed:
            harmed.append(model.name)
            checkpoint_dir.mkdir(parents=True)
            for seeds in ("seed1", "seed2", "seeds1-2"):
                path = checkpoint_dir / f"{model.name}-DIGITS-{seeds}.safetensors"
                save_file({"1/theta": torch.zeros(1)}, path, {"format": "999"})
        return real(model, *args, checkpoint_dir=checkpoint_dir, **options)

    harmed = []
    training(foreign_at_first)
    report = go(tiny)
    assert report.trained == 4 and not report.failures
    assert len(report.notes) == 2 and all(
        "started again from the beginning for seeds 1, 2" in note for note in report.notes
    )


def test_the_worker_has_no_data(go, tiny, tmp_path, monkeypatch):
    """Other than the digits, nothing is built in, and there is no network to fetch from here."""
    import rethinkpool_core

    def absent(name, root):
        raise DataError(f"{name} is not in {root} and cannot be downloaded: fetch it")

    monkeypatch.setattr(rethinkpool_core, "load_dataset", absent, raising=False)
    work._dataset.cache_clear()
    report = go(tiny, root=str(tmp_path / "empty"))
    assert len(report.failures) == 4 and all("cannot be downloaded" in r for r in report.failures.values())


def test_a_store_that_fills_up_stops_the_grid_and_loses_nothing(go, tiny, monkeypatch, tmp_path):
    real, written = ResultStore.write, []

    def write(self, record, cell=None):
        if written:
            raise StorageError("cannot write to the store (No space left on device): free some space")
        written.append(real(self, record, cell))
        return written[-1]

    monkeypatch.setattr(ResultStore, "write", write)
    with pytest.raises(StorageError, match="No space left"):
        go(tiny)
    monkeypatch.setattr(ResultStore, "write", real)
    report = go(tiny)
    assert (report.trained, report.found) == (3, 1)


def test_no_training_goes_on_when_the_store_cannot_be_written(go, tiny, training, monkeypatch):
    """Else a repeated call would train the same runs from the same checkpoints at the same time."""
    stopped = []

    def slow(real, model, *args, **options):
        if model.name == "N-MINCUTPOOL":
            return real(model, *args, **options)
        with stop_requests() as stop_requested:
            end = time.monotonic() + 30
            while not stop_requested():
                assert time.monotonic() < end
                time.sleep(0.01)
        time.sleep(0.2)
        stopped.append(model.name)
        raise KeyboardInterrupt

    def write(self, record, cell=None):
        raise StorageError("cannot write to the store (No space left on device): free some space")

    training(slow)
    monkeypatch.setattr(ResultStore, "write", write)
    with pytest.raises(StorageError, match="No space left"):
        go(tiny)
    assert stopped == ["N-DIFFPOOL-V2"]


def test_two_calls_at_once_do_nothing_twice(tiny, tmp_path, training):
    """The second finds runs locked, waits for them, and takes what is free."""
    trained, lock = [], threading.Lock()

    def slow(real, model, dataset, seeds, **options):
        with lock:
            trained.extend((model.name, seed) for seed in seeds)
        time.sleep(0.3)
        return real(model, dataset, seeds, **options)

    training(slow)
    reports = {}

    def call(name):
        reports[name] = run_grid(tiny, tmp_path / "store", progress=False, workers=1)

    threads = [threading.Thread(target=call, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(trained) == len(set(trained)) == 4
    assert sum(report.trained for report in reports.values()) == 4


def test_ctrl_c_lets_trainings_save(go, tiny, monkeypatch, tmp_path):
    """The caller is interrupted in the midst of a training; a call with more workers goes on from there."""
    cell = Cell("N-MINCUTPOOL", "DIGITS", {"batch_size": 256}, 15)
    long = replace(tiny, cells=(cell,), seeds=(1, 2, 3, 4))
    real, folder = runner.GridRunner._collect, tmp_path / "store" / ".checkpoints"

    def interrupt(self, seconds):
        if list(folder.glob("*/*")):
            monkeypatch.setattr(runner.GridRunner, "_collect", real)
            raise KeyboardInterrupt
        return real(self, 0.01)

    monkeypatch.setattr(runner.GridRunner, "_collect", interrupt)
    with pytest.raises(KeyboardInterrupt):
        go(long)
    assert list(folder.glob("*/*")) and not list((tmp_path / "store").glob("*.parquet"))
    begun = [[int(seed) for seed in path.name.split("-")[1::2]] for path in folder.iterdir()]
    assert begun and all(pair in ([1, 2], [3, 4]) for pair in begun)
    report = go(long, workers=2)
    assert report.trained == 4 and not report.failures
    records = {record.seed: record for record in ResultStore(tmp_path / "store").records()}
    assert {record.epochs for record in records.values()} == {15}
    for pair in begun:
        for record in (records[seed] for seed in pair):
            # Of the whole training, not of what the second call did.
            assert record.provenance["seconds"] == pytest.approx(sum(record.curves["train_seconds"]))


def test_ctrl_c_of_another_command_on_the_same_workers(tiny, monkeypatch, tmp_path):
    """It stops only its own trainings: Dask's workers may be shared by many users."""
    cell = Cell("N-MINCUTPOOL", "DIGITS", {"batch_size": 256}, 15)
    long = replace(tiny, cells=(cell,), seeds=(1,))
    real, ours, theirs = runner.GridRunner._collect, tmp_path / "ours", tmp_path / "theirs"

    def interrupt(self, seconds):
        begun = all(list((folder / ".checkpoints").glob("*/*")) for folder in (ours, theirs))
        if begun and self.store.folder == theirs and threading.current_thread() is threading.main_thread():
            monkeypatch.setattr(runner.GridRunner, "_collect", real)
            raise KeyboardInterrupt
        return real(self, 0.01)

    monkeypatch.setattr(runner.GridRunner, "_collect", interrupt)
    reports = []
    thread = threading.Thread(target=lambda: reports.append(run_grid(long, ours, progress=False, workers=1)))
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run_grid(replace(long, seeds=(2,)), theirs, progress=False, workers=1)
    thread.join()
    assert not list(theirs.glob("*.parquet")) and list((theirs / ".checkpoints").glob("*/*"))
    assert [(report.trained, report.failures) for report in reports] == [(1, {})]


def test_ctrl_c_when_the_scheduler_has_gone(go, tiny, monkeypatch):
    """There is nothing to wait for; the error of the connection took the place of the interrupt."""

    def gone(self):
        raise OSError("Timed out trying to connect to tcp://10.0.0.1:8786")

    def interrupt(self, seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(Engine, "stop", gone)
    monkeypatch.setattr(runner.GridRunner, "_collect", interrupt)
    with pytest.raises(KeyboardInterrupt):
        go(tiny)


@pytest.mark.parametrize("seconds", [2.0, 3600.0])
def test_a_clock_that_is_set_back(seconds, tmp_path, data_folder):
    """A little, and the job ends; by an hour, which Dask would wait for, and it says so. In a process of its own."""
    script = f"""
import time
from dataclasses import replace
now, at = time.time, []
time.time = lambda: now() - ({seconds} if at and time.monotonic() > at[0] else 0)
from rethinkpool_core.experiments import run, work
from rethinkpool_core.experiments.engine import Engine
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.compact import compact
from rethinkpool_core.experiments.grids import Grid
from rethinkpool_core.errors import RethinkPoolError
from distributed import Client
from contextlib import contextmanager
import os, sys, rethinkpool_core
@contextmanager
def start(name, plan, **options):
    with Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=":0") as client:
        at.append(time.monotonic() + 0.3)
        yield Engine(client, "cpu")
run.start_engine = start
cells = tuple(Cell(name, "DIGITS", {{"batch_size": 256}}, 3) for name in ("N-MINCUTPOOL", "N-DIFFPOOL-V2"))
try:
    print(run.run_grid(Grid("t", "t", cells, (1, 2)), sys.argv[1], workers=1, progress=False).trained)
except RethinkPoolError as error:
    print(error)
sys.stdout.flush()
os._exit(0)  # Dask's own goodbye waits too
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "store")], capture_output=True, text=True, timeout=60
    )
    assert ("4" if seconds < 10 else "clock was set back by 3600 s") in done.stdout, done.stderr


def test_a_thousand_seeds(go, tiny, training, record_of, tmp_path):
    cell = tiny.cells[0]
    training(lambda real, model, dataset, seeds, **options: [record_of(cell, seed) for seed in seeds])
    seeds = list(range(2**31 - 1000, 2**31))
    grid = Grid("many", "a test", (cell,), tuple(seeds))
    assert go(grid).trained == 1000
    assert go(grid).found == 1000


def test_progress_on_a_pipe(tiny, tmp_path, capsys):
    run_grid(tiny, tmp_path / "store")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("tiny: 4 runs in 2 cells to do, 0 finished before; dashboard")
    assert len(lines) >= 3 and "4 of 4 runs done" in lines[-1] and "2 of 2 cells complete" in lines[-1]


@pytest.mark.parametrize("workers", [-1, 1.5, True])
def test_a_number_of_workers_that_is_none(workers, tiny, tmp_path):
    """With -1 a grid was divided into no tasks, and ended without a run and without an error."""
    with pytest.raises(UsageError, match="workers"):
        run_grid(tiny, tmp_path / "store", workers=workers, progress=False)


def test_graph_too_large_is_one_sentence(go, tiny, training):
    training(
        lambda real, *args, **options: (_ for _ in ()).throw(
            GraphTooLargeError("a graph of 9 nodes: build anew")
        )
    )
    assert set(go(tiny).failures.values()) == {"a graph of 9 nodes: build anew"}
