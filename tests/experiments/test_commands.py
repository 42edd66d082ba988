"""``rethinkpool grid`` and ``rethinkpool results`` as a user meets them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rethinkpool_core.cli import main
from rethinkpool_core.commands.grid import print_plan
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.frame import load_results
from rethinkpool_core.experiments.grids import GRIDS, Grid, get_grid
from rethinkpool_core.experiments.plan import CellPlan, Plan, Task
from rethinkpool_core.experiments.store import ResultStore, committed_store
from rethinkpool_core.paper import published

GRID = """
seeds = 2
[[cells]]
models = ["N-MINCUTPOOL", "N-DIFFPOOL-V2"]
datasets = ["DIGITS"]
max_epochs = 1
[cells.parameters]
batch_size = 256
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RETHINKPOOL_STORE", str(tmp_path / "store"))
    (tmp_path / "mine.toml").write_text(GRID)
    return tmp_path / "store"


@pytest.mark.usefixtures("here")
def test_plan_train_and_show(mine, capsys):
    assert main(["grid", "mine.toml", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "4 runs to do, 0 finished" in out and "not measured" in out and f"store: {mine}" in out
    assert not mine.exists(), "a dry run writes nothing"

    assert main(["grid", "mine.toml", "--workers", "1"]) == 0
    out, errors = capsys.readouterr()
    assert out == f"mine: 4 runs trained, 0 finished before; store: {mine}\n"
    assert "4 of 4 runs done" in errors

    assert main(["grid", "mine.toml", "--seeds", "3", "--dry-run", "--workers", "2"]) == 0
    out = capsys.readouterr().out
    assert "2 runs to do, 4 finished" in out and "2 tasks at once" in out and "of memory" in out

    assert main(["results", "mine.toml"]) == 0
    out = capsys.readouterr().out
    assert "N-MINCUTPOOL" in out and "batch_size=256, max_epochs=1" in out
    assert main(["results", "compact", "folded.parquet"]) == 0
    assert "4 runs in folded.parquet" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seeds", "workers", "said"),
    [
        ((1,), 8, "about 1 h 0 min for 1 of them, 1 task at once"),
        ((1, 2, 3), 1, "about 3 h 0 min for 3 of them, 1 task at once"),
        ((1, 2, 3), 2, "about 1 h 30 min for 3 of them, 2 tasks at once"),
        ((1, 2, 3), 3, "about 1 h 0 min for 3 of them, 3 tasks at once"),
    ],
)
def test_a_plan_is_no_shorter_than_its_longest_task(seeds, workers, said, capsys):
    """Each run takes an hour and is a task of its own."""
    cell = Cell("GMN", "NCI1")
    tasks = [Task(cell, (seed,)) for seed in seeds]
    planned = CellPlan(cell, tasks, len(seeds), [], [], seconds=3600.0, peak_bytes=1e9)
    print_plan(Plan(Grid("mine", "", (cell,), seeds), [planned]), Path("store"), workers, 64e9)
    out = capsys.readouterr().out
    assert said in out and f"up to {workers if len(seeds) > 1 else 1} GB of" in out


@pytest.mark.usefixtures("here")
def test_a_failing_run_ends_with_1_and_is_named(mine, capsys):
    (mine.parent / "mine.toml").write_text(GRID + "learning_rate = 1e30\n")
    for _ in range(2):  # and again, without training again
        assert main(["grid", "mine.toml", "--workers", "1", "--model", "N-MINCUTPOOL"]) == 1
        last = capsys.readouterr().err.splitlines()[-1]
        assert last.startswith("error: 2 runs failed (N-MINCUTPOOL on DIGITS") and "--retry-failed" in last


def test_results_beside_the_published(mine, record_of, capsys):
    store = ResultStore(mine)
    store.prepare()
    for number, model in enumerate(("MINCUTPOOL", "N-MINCUTPOOL")):
        for seed in (1, 2, 3):
            store.write(record_of(Cell(model, "PROTEINS"), seed, 0.75 + 0.001 * number * seed))
    assert main(["results", "table-s5"]) == 0
    out = capsys.readouterr().out
    assert str(published("S5", "MINCUTPOOL", "PROTEINS")) in out and "75.0 ± 0.0" in out
    assert "PROTEINS" in out.splitlines()[-2] and out.splitlines()[-1].startswith("Of 1 comparison")
    assert main(["results"]) == 0
    assert "all runs" in capsys.readouterr().out
    assert main(["results", "table-s5", "--margin", "0.05"]) == 0
    assert "0.05 point" in capsys.readouterr().out


def test_a_dry_run_in_a_clone_counts_and_times_the_committed_runs(mine, capsys):
    named = ["grid", "table-s5", "--dataset", "PROTEINS", "--dry-run", "--workers", "2"]
    assert main(named) == 0
    out = capsys.readouterr().out
    assert "80 runs to do, 0 finished" in out and "not measured" not in out and "about" in out
    assert "80 of these runs are committed in results/ of this clone: give --with-committed" in out
    assert main([*named, "--with-committed"]) == 0
    assert "0 runs to do, 80 finished" in capsys.readouterr().out


def test_results_show_committed_runs_beside_those_of_the_store(mine, record_of, capsys):
    assert main(["results", "table-s5"]) == 1
    assert "--with-committed" in capsys.readouterr().err
    store = ResultStore(mine)
    store.prepare()
    committed = load_results(committed_store().folder)
    seeds = committed[committed.cell == Cell("MINCUTPOOL", "PROTEINS").digest].seed.tolist()
    for seed in seeds:
        store.write(record_of(Cell("MINCUTPOOL", "PROTEINS"), seed, 0.5))
    assert main(["results", "table-s5", "--with-committed"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    (own,) = [row for row in rows if row[:2] == ["PROTEINS", "MINCUTPOOL"]]
    assert own[2:4] == [str(len(seeds)), "50.0"], "a run of the store goes before the committed one"
    assert any(row[:2] == ["IMDB-B", "N-MINCUTPOOL"] for row in rows)


def test_committed_results_are_a_store():
    from pathlib import Path

    from rethinkpool_core import load_results

    runs = load_results(Path(__file__).parents[2] / "results")
    assert runs.error.isna().all() and runs.test_score.between(0, 1).all()
    assert not runs.provenance.map(lambda where: where["commit"].endswith("+")).any(), "from a clean checkout"
    for cell, seeds in runs.groupby("cell").seed:
        assert sorted(seeds) == list(range(1, len(seeds) + 1)), f"{cell}: seeds 1 to n without exception"
    assert set(runs.cell) <= {cell.digest for name in GRIDS for cell in get_grid(name).cells}, (
        "of today's protocol"
    )
