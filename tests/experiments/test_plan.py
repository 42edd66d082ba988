"""What is still to run, in which tasks, and what it takes."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rethinkpool_core.experiments.begun import begun_chunks
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.compact import compact
from rethinkpool_core.experiments.grids import Grid, get_grid
from rethinkpool_core.experiments.plan import MAX_TASK_SEEDS, make_plan
from rethinkpool_core.experiments.store import ResultStore

CELLS = [Cell("N-MINCUTPOOL", "DIGITS", {"batch_size": size}, 2) for size in (16, 32, 64)]


def grid_of(seeds, cells=CELLS) -> Grid:
    return Grid("test", "a test", tuple(cells), tuple(seeds))


@given(seeds=st.sets(st.integers(1, 10**6), min_size=1, max_size=90), workers=st.integers(0, 70))
def test_every_run_is_in_one_task(seeds, workers):
    grid = grid_of(sorted(seeds))
    plan = make_plan(grid, ResultStore("no such folder"), workers=workers)
    runs = [(task.cell.digest, seed) for task in plan.tasks for seed in task.seeds]
    assert sorted(runs) == sorted((cell.digest, seed) for cell in CELLS for seed in seeds)
    assert max(len(task.seeds) for task in plan.tasks) <= MAX_TASK_SEEDS
    assert len({task.name for task in plan.tasks}) == len(plan.tasks)
    assert plan.todo == len(runs) and plan.finished == 0 and not plan.failed


def test_more_workers_make_smaller_tasks():
    few, many = (make_plan(grid_of(range(1, 21)), ResultStore("none"), workers=n).tasks for n in (1, 60))
    assert len(few) == 3 and len(many) == 60


def test_a_gpu_takes_many_seeds_at_once():
    """However many workers share it."""
    tasks = make_plan(grid_of(range(1, 101)), ResultStore("none"), workers=12, gpu=True).tasks
    assert [len(task.seeds) for task in tasks] == [50] * 6


def test_tasks_do_not_depend_on_what_is_finished(store, record_of):
    """Else a grid that is taken up again would not find its checkpoints."""
    grid = grid_of(range(1, 41))
    before = {task.name for task in make_plan(grid, store, workers=2).tasks}
    for seed in (1, 2, 3, 17):
        store.write(record_of(CELLS[0], seed))
    for seed in range(1, 21):
        store.write(record_of(CELLS[1], seed))
    plan = make_plan(grid, store, workers=2)
    after = {task.name for task in plan.tasks}
    assert after < before and len(before - after) == 1, "the one whose runs are all finished"
    assert plan.finished == 24 and plan.todo == 120 - 24


@given(
    seeds=st.sets(st.integers(1, 60), min_size=1, max_size=40),
    before=st.integers(1, 40),
    now=st.integers(1, 40),
    begun=st.sets(st.integers(0, 40)),
)
def test_begun_tasks_stay_as_they_are_whatever_the_number_of_workers(
    tmp_path_factory, seeds, before, now, begun
):
    store = ResultStore(tmp_path_factory.mktemp("store"))
    store.prepare()
    grid = grid_of(sorted(seeds), CELLS[:1])
    names = [task.name for i, task in enumerate(make_plan(grid, store, workers=before).tasks) if i in begun]
    for name in names:
        (store.checkpoints / name).mkdir()
    tasks = make_plan(grid, store, workers=now).tasks
    assert {task.name for task in tasks} >= set(names)
    assert sorted(seed for task in tasks for seed in task.seeds) == sorted(seeds)
    for task in tasks:  # the other ones are begun too, and found again
        (store.checkpoints / task.name).mkdir(exist_ok=True)
    assert {task.name for task in make_plan(grid, store, workers=before).tasks} == {
        task.name for task in tasks
    }


def test_of_two_begun_tasks_with_a_seed_in_common_the_later_one_is_resumed(store):
    grid = grid_of(range(1, 21), CELLS[:1])
    digest = CELLS[0].digest
    for name, time in (("1-20-20", 1), ("1-10-10", 2), ("11-10-20", 3), ("5-3-11", 4), ("notes", 5)):
        (store.checkpoints / f"{digest}-{name}").mkdir()
        os.utime(store.checkpoints / f"{digest}-{name}", (time, time))
    assert [task.seeds for task in make_plan(grid, store).tasks] == [
        tuple(range(1, 11)),
        tuple(range(11, 21)),
    ]


def test_a_task_that_another_command_finishes_meanwhile(store, monkeypatch):
    """Its folder is removed between the look for folders and the look at this one."""
    cell = Cell("GMN", "DIGITS")
    (store.checkpoints / f"{cell.digest}-1-3-3").mkdir()
    stat = Path.stat

    def gone(path, **options):
        if path.name.startswith(cell.digest):
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", gone)
    assert begun_chunks(range(1, 7), store.checkpoints, cell.digest) == []


def test_failed_runs_wait_until_asked_for(store, record_of):
    store.write(record_of(CELLS[0], 2, None, error="no"))
    grid = grid_of([1, 2], CELLS[:1])
    plan = make_plan(grid, store)
    assert plan.failed == {CELLS[0].key(2): (CELLS[0], 2)} and plan.todo == 1
    again = make_plan(grid, store, retry_failed=True)
    assert not again.failed and again.todo == 2


def test_times_and_memory_come_from_the_store(store, record_of, tmp_path):
    for seed, seconds in ((1, 10.0), (2, 30.0), (3, 20.0)):
        provenance = {"seconds": seconds, "peak_bytes": seed * 10**9}
        store.write(record_of(CELLS[1], seed, provenance=provenance))
    plan = make_plan(grid_of(range(1, 6)), store)
    assert [cell.seconds for cell in plan.cells] == [None, 20.0, None]
    assert plan.cells[1].memory == 3e9 and plan.cells[0].peak_bytes is None
    assert plan.tasks[-1].cell == CELLS[1], "what has no timing may be long, so it goes first"
    # The same from a compacted file.
    other = ResultStore(tmp_path / "other")
    other.prepare()
    compact([store.folder], other.folder / "all.parquet")
    assert make_plan(grid_of(range(1, 6)), other).cells[1].seconds == 20.0


def test_a_resumed_run_took_at_least_its_training_passes(store, record_of):
    """It records the seconds of its last part; its curves have those of every epoch."""
    curves = {"train_loss": [1.0, 1.0], "train_seconds": [20.0, 30.0]}
    store.write(record_of(CELLS[0], 1, provenance={"seconds": 7.0}, curves=curves))
    assert make_plan(grid_of([1, 2]), store).cells[0].seconds == 50.0


def test_a_cpu_is_not_estimated_from_a_gpu(store, record_of):
    def write(seeds, seconds, device):
        for seed in seeds:
            store.write(record_of(CELLS[0], seed, provenance={"seconds": seconds, "device": device}))

    write(range(1, 21), 50.0, "cpu, 1 threads")
    write(range(21, 61), 2.0, "NVIDIA H200")
    write(range(61, 65), 20.0, "NVIDIA H200, then cpu, 1 threads")
    grid = grid_of(range(1, 101), CELLS[:1])
    assert make_plan(grid, store).cells[0].seconds == 50.0
    assert make_plan(grid, store, gpu=True).cells[0].seconds == 2.0


def test_what_only_the_other_kind_of_device_trained_is_not_measured(store, record_of):
    store.write(record_of(CELLS[0], 1, provenance={"seconds": 2.0, "device": "NVIDIA H200"}))
    assert make_plan(grid_of([1, 2], CELLS[:1]), store).cells[0].seconds is None


@pytest.fixture
def clone(tmp_path, monkeypatch, record_of):
    """A clone that has two runs of the first cell committed, of 40 s each."""
    for name in ("notebooks", "book"):
        (tmp_path / "clone" / name).mkdir(parents=True)
    runs = ResultStore(tmp_path / "runs")
    runs.prepare()
    for seed in (1, 2):
        runs.write(record_of(CELLS[0], seed, provenance={"seconds": 40.0, "peak_bytes": 10**9}))
    compact([runs.folder], tmp_path / "clone" / "results.parquet")
    (tmp_path / "clone" / "results").mkdir()
    (tmp_path / "clone" / "results.parquet").rename(tmp_path / "clone" / "results" / "all.parquet")
    monkeypatch.setattr("rethinkpool_core.experiments.store.clone_folder", lambda: tmp_path / "clone")


@pytest.mark.usefixtures("clone")
def test_committed_runs_count_as_finished_where_asked(store):
    plan = make_plan(grid_of([1, 2, 3]), store)
    assert (plan.todo, plan.finished, plan.committed) == (9, 0, 2)
    plan = make_plan(grid_of([1, 2, 3]), store, with_committed=True)
    assert (plan.todo, plan.finished, plan.committed) == (7, 2, 0)
    assert plan.skipped == {CELLS[0].key(1), CELLS[0].key(2)}


@pytest.mark.usefixtures("clone")
def test_committed_runs_estimate_what_the_store_has_not_measured(store, record_of):
    first, *others = make_plan(grid_of([1, 2, 3]), store).cells
    assert (first.seconds, first.peak_bytes, first.timed_elsewhere) == (40.0, 1e9, True)
    assert all(cell.seconds is None and not cell.timed_elsewhere for cell in others)
    store.write(record_of(CELLS[0], 3, provenance={"seconds": 5.0}))
    first = make_plan(grid_of([1, 2, 3]), store).cells[0]
    assert (first.seconds, first.timed_elsewhere) == (5.0, False), (
        "this machine's own measurement is preferred"
    )


def test_the_committed_runs_of_this_clone_are_found():
    grid = get_grid("table-s5").restricted(datasets=["PROTEINS"])
    plan = make_plan(grid, ResultStore("none"))
    assert plan.committed == 80 and all(cell.seconds > 1 and cell.peak_bytes > 1e8 for cell in plan.cells)


def test_committed_runs_are_not_offered_to_a_grid_that_keeps_weights(store):
    """They have none, so that --with-committed, which the hint names, changes nothing."""
    grid = get_grid("embeddings")
    plan = make_plan(grid, store, with_committed=True)
    assert plan.todo == len(grid.cells) and plan.committed == 0
    assert make_plan(replace(grid, keep_weights=False), store).committed > 0


def test_longest_first(store, record_of):
    for cell, seconds in zip(CELLS, (5.0, 50.0, 10.0), strict=True):
        store.write(record_of(cell, 1, provenance={"seconds": seconds}))
    tasks = make_plan(grid_of(range(1, 6)), store).tasks
    assert [task.cell for task in tasks][:: len(tasks) // 3] == [CELLS[1], CELLS[2], CELLS[0]]


@pytest.mark.slow
def test_a_hundred_thousand_runs(store, record_of):
    """Planned from the names of files alone: neither data nor records are opened for it."""
    import builtins

    grid = grid_of(range(1, 33_335))
    record = record_of(CELLS[0], 1)
    store.write(record)
    content = (store.folder / f"{CELLS[0].key(1)}.parquet").read_bytes()
    for seed in range(2, 5_000):
        (store.folder / f"{CELLS[0].key(seed)}.parquet").write_bytes(content)
    opened, real = [], builtins.open
    builtins.open = lambda *args, **options: opened.append(args) or real(*args, **options)
    try:
        plan = make_plan(grid, store)
    finally:
        builtins.open = real
    assert plan.todo + plan.finished == 100_002 and plan.finished == 4_999
    assert len(opened) < 50
