"""Real processes killed at random moments: in the end each run is there exactly once, as if nothing had happened."""

from __future__ import annotations

import os
import random
import signal
import time

import psutil
import pytest
from processes import Dask, GridProcess, content, trained

pytestmark = pytest.mark.slow

SMOKE = ("smoke", "--seeds", "2")
RUNS = 4 * 2


@pytest.fixture(scope="module")
def whole(data_folder, tmp_path_factory):
    """What an uninterrupted ``smoke`` gives, and how many seconds it took."""
    store, start = tmp_path_factory.mktemp("whole") / "store", time.monotonic()
    code, out, errors = GridProcess(store, data_folder, *SMOKE).end()
    assert code == 0 and trained(out) == RUNS, errors
    return content(store), time.monotonic() - start


@pytest.fixture
def dask(data_folder, tmp_path):
    made = Dask(data_folder, tmp_path)
    yield made
    made.close()


def until(happened, seconds=60):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def test_twenty_kills(whole, data_folder, tmp_path):
    """The process group, the caller with its scheduler, or one worker, at any moment; a finished store is begun anew."""
    expected, seconds = whole
    moments = random.Random(20)
    kills, number, rounds = {"group": 0, "caller": 0, "worker": 0}, 0, 0
    while sum(kills.values()) < 20:
        store = tmp_path / f"store{number}"
        grid = GridProcess(store, data_folder, *SMOKE)
        whom = min(kills, key=kills.get)
        time.sleep(moments.uniform(0.1, 0.7) * seconds)
        if grid.process.poll() is None:
            grid.kill(whom, moments.choice)
            kills[whom] += 1
        if whom == "worker":  # the caller replaces it, and is left to go on for a while
            time.sleep(moments.uniform(0.1, 0.4) * seconds)
            grid.kill("caller")
        code, _, errors = grid.end(30)
        assert code in (0, -signal.SIGKILL), errors
        rounds += 1
        assert rounds < 100
        found = content(store) if store.exists() else {}
        assert all(found[key] == expected[key] for key in found), "what is there is whole and right"
        if len(found) == RUNS:
            number += 1
    for each in range(number + 1):
        store = tmp_path / f"store{each}"
        code, _, errors = GridProcess(store, data_folder, *SMOKE).end()
        assert code == 0, errors
        assert content(store) == expected
        assert not list((store / ".checkpoints").iterdir()) and not list((store / "failed").iterdir())


def test_a_worker_is_killed_while_it_starts(whole, data_folder, tmp_path):
    grid = GridProcess(tmp_path / "store", data_folder, *SMOKE)
    until(grid.workers)
    time.sleep(0.3)
    grid.kill("worker")
    code, out, errors = grid.end()
    assert code == 0 and trained(out) == RUNS, errors
    assert content(tmp_path / "store") == whole[0]


def test_two_commands_on_one_store(whole, data_folder, tmp_path):
    """They share the work; one of them is killed and begun again, and the other does its part too."""
    expected, seconds = whole
    store = tmp_path / "store"
    first, second = (GridProcess(store, data_folder, *SMOKE, "--workers", "1") for _ in range(2))
    ends = [grid.end() for grid in (first, second)]
    assert [code for code, _, _ in ends] == [0, 0], ends
    assert sum(trained(out) for _, out, _ in ends) == RUNS, "none twice"
    assert content(store) == expected

    store, moments = tmp_path / "other", random.Random(2)
    going = [GridProcess(store, data_folder, *SMOKE, "--workers", "1") for _ in range(2)]
    killed = 0
    for _ in range(6):
        time.sleep(moments.uniform(0.1, 0.4) * seconds)
        victim = moments.randrange(2)
        killed += going[victim].process.poll() is None
        going[victim].kill(moments.choice(["group", "caller"]))
        going[victim].end()
        going[victim] = GridProcess(store, data_folder, *SMOKE, "--workers", "1")
    assert killed > 1
    assert [grid.end()[0] for grid in going] == [0, 0]
    assert content(store) == expected


def test_ctrl_c(whole, data_folder, tmp_path):
    """It reaches the whole group of a terminal; trainings save in the midst of an epoch and the command ends soon."""
    expected, _ = whole
    store = tmp_path / "store"
    for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
        before = {path: path.stat().st_mtime_ns for path in store.glob(".checkpoints/*/*")}
        grid = GridProcess(store, data_folder, *SMOKE)
        until(
            lambda before=before: any(
                before.get(path) != path.stat().st_mtime_ns for path in store.glob(".checkpoints/*/*")
            )
        )
        if number == signal.SIGINT:
            os.killpg(grid.process.pid, number)
        else:  # what a cluster sends goes to the command
            grid.process.terminate()
        code, _, errors = grid.end(60)
        assert code == 130 and errors.splitlines()[-1] == "error: interrupted" and "Traceback" not in errors
        assert list((store / ".checkpoints").iterdir())
    assert GridProcess(store, data_folder, *SMOKE).end()[0] == 0
    found = content(store)
    assert found.keys() == expected.keys()
    # Resumed in the midst of an epoch; the records are those of the whole run, to the bit.
    assert found == expected


def test_a_machine_that_sleeps(whole, data_folder, tmp_path, monkeypatch):
    """All processes stand still for longer than Dask waits for a word of a worker; they go on where they were."""
    expected, _ = whole
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL", "2s")
    grid = GridProcess(tmp_path / "store", data_folder, *SMOKE)
    until(lambda: list(tmp_path.glob("store/.checkpoints/*/*")))
    workers = {worker.pid for worker in grid.workers()}
    processes = [psutil.Process(grid.process.pid), *psutil.Process(grid.process.pid).children()]
    for process in processes:
        process.suspend()
    time.sleep(8)
    processes[0].resume()  # the scheduler, which hears nothing yet
    time.sleep(3)
    for process in processes[1:]:
        process.resume()
    time.sleep(2)
    assert grid.process.poll() is None and {worker.pid for worker in grid.workers()} == workers
    code, out, errors = grid.end()
    assert code == 0 and trained(out) == RUNS, errors
    assert content(tmp_path / "store") == expected


def test_a_scheduler_and_three_workers(whole, dask, data_folder, tmp_path):
    """One worker is killed on the way, one joins late."""
    expected, _ = whole
    store = tmp_path / "store"
    workers = [dask.worker() for _ in range(2)]
    grid = GridProcess(store, data_folder, *SMOKE, "--engine", "dask", "--scheduler", dask.address)
    until(lambda: list(store.glob(".checkpoints/*/*")))
    workers[0].kill()
    dask.worker()
    code, out, errors = grid.end()
    assert code == 0, errors
    assert trained(out) == RUNS
    assert content(store) == expected


def test_the_scheduler_is_killed(whole, data_folder, tmp_path):
    expected, _ = whole
    store = tmp_path / "store"
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    dask = Dask(data_folder, tmp_path / "first")
    try:
        dask.worker()
        grid = GridProcess(store, data_folder, *SMOKE, "--engine", "dask", "--scheduler", dask.address)
        until(lambda: list(store.glob(".checkpoints/*/*")))
        dask.scheduler.kill()
        code, _, errors = grid.end(90)
        assert code == 1, errors
        assert "repeat the command to resume" in errors.splitlines()[-1] and "Traceback" not in errors
    finally:
        dask.close()
    dask = Dask(data_folder, tmp_path / "second")
    try:
        for _ in range(2):
            dask.worker()
        grid = GridProcess(store, data_folder, *SMOKE, "--engine", "dask", "--scheduler", dask.address)
        code, _, errors = grid.end()
        assert code == 0, errors
    finally:
        dask.close()
    assert content(store) == expected
