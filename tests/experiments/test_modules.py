"""A pooling method of a user's own, in a module beside the grid: it trains, has a twin, and workers learn of it."""

from __future__ import annotations

import sys

import pytest
from processes import Dask, GridProcess, trained

from rethinkpool_core import build_model, load_dataset, load_results, run_grid, train
from rethinkpool_core.cli import main
from rethinkpool_core.errors import UsageError
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.grid_file import read_grid
from rethinkpool_core.experiments.grids import Grid
from rethinkpool_core.experiments.plan import Task, make_plan
from rethinkpool_core.experiments.store import ResultStore
from rethinkpool_core.experiments.work import train_task
from rethinkpool_core.models.modules import import_models
from rethinkpool_core.models.registry import model_names

MODULE = """
from functools import partial

from rethinkpool_core import register_model
from rethinkpool_core.models.mincutpool import MinCutConfig, MinCutPool


class MyPool(MinCutPool):
    pass


small = {"hidden_dim": 8, "batch_size": 256}
register_model("MY-POOL", MyPool, partial(MinCutConfig, random_assignment="", num_pool_layers=1), settings=small)
register_model("R-MY-POOL", MyPool, partial(MinCutConfig, num_pool_layers=1), twin_of="MY-POOL",
               settings={"random_assignment": "uniform"})
"""

GRID = """
modules = ["my_pooling"]
seeds = 2
[[cells]]
models = ["MY-POOL", "R-MY-POOL", "N-MINCUTPOOL"]
datasets = ["DIGITS"]
max_epochs = 1
"""


@pytest.fixture
def folder(tmp_path, monkeypatch, own_models):
    """The current folder, with the module and the grid; on no path of Python's."""
    (tmp_path / "my_pooling.py").write_text(MODULE)
    (tmp_path / "mine.toml").write_text(GRID)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("RETHINKPOOL_STORE", str(tmp_path / "store"))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in sys.modules[name].__file__:
            del sys.modules[name]


def forget():
    """As in a process that never imported the module."""
    from rethinkpool_core.models.registry import forget_models

    del sys.modules["my_pooling"]
    forget_models(["MY-POOL", "R-MY-POOL"])


def test_it_trains_and_its_record_names_the_module(folder, data_folder):
    import_models(["my_pooling"])
    dataset = load_dataset("DIGITS", data_folder)
    records = [
        train(build_model(name, dataset), dataset, [1], max_epochs=1, progress=False, device="cpu")[0]
        for name in ("R-MY-POOL", "N-MINCUTPOOL")
    ]
    assert [record.provenance.get("module") for record in records] == ["my_pooling", None]
    assert records[0].config["model"] == {
        "hidden_dim": 8,
        "random_assignment": "uniform",
        "num_pool_layers": 1,
        "cluster_ratio": 0.5,
        "initial_convolutions": 1,
    }
    assert records[0].config["training"]["batch_size"] == 256 and records[0].error is None


def test_on_the_command_line(folder, capsys):
    assert main(["train", "MY-POOL", "DIGITS", "--seeds", "1", "--max-epochs", "1"]) == 2
    assert "there is no model 'MY-POOL'" in capsys.readouterr().err
    words = ["--module", "my_pooling", "--set", "hidden_dim=4"]
    assert main(["train", "MY-POOL", "DIGITS", "--seeds", "1", "--max-epochs", "1", *words]) == 0
    assert "MY-POOL on DIGITS" in capsys.readouterr().out


def test_a_grid_with_two_workers(folder, data_folder, capsys):
    """The command and each of its workers are processes of their own, which import the module by its name."""
    store = folder / "store"
    code, out, errors = GridProcess(store, data_folder, "mine.toml", "--workers", "2").end()
    assert code == 0 and trained(out) == 6, errors
    runs = load_results(store)
    assert sorted(runs.model.unique()) == ["MY-POOL", "N-MINCUTPOOL", "R-MY-POOL"]
    assert {where.get("module") for where in runs[runs.model != "N-MINCUTPOOL"].provenance} == {"my_pooling"}

    assert "MY-POOL" not in model_names()
    assert main(["results"]) == 0, "runs of a model that is not registered here"
    out = capsys.readouterr().out
    assert "R-MY-POOL" in out and "No method has been trained together with its twin" in out

    assert main(["results", "--module", "my_pooling"]) == 0
    out = capsys.readouterr().out
    assert "max_epochs=1" in out and "Of 1 comparison" in out

    forget()
    assert main(["results", "mine.toml"]) == 0
    assert "Of 1 comparison" in capsys.readouterr().out


@pytest.mark.slow
def test_a_grid_on_a_dask_cluster(folder, data_folder):
    """Its workers were started before, in this folder, and know nothing of the module."""
    dask = Dask(data_folder, folder)
    try:
        for _ in range(2):
            dask.worker()
        words = ("mine.toml", "--engine", "dask", "--scheduler", dask.address)
        code, out, errors = GridProcess(folder / "store", data_folder, *words).end()
    finally:
        dask.close()
    assert code == 0 and trained(out) == 6, errors


def test_a_worker_without_the_module_says_so(folder):
    import_models(["my_pooling"])
    task = Task(Cell("MY-POOL", "DIGITS", {}, 1), (1, 2), "not_on_this_worker")
    result = train_task(task, (1, 2), None, "cpu", None, "a call")
    assert set(result.errors) == {1, 2}
    assert all("'not_on_this_worker' cannot be imported" in error for error in result.errors.values())


def test_tasks_name_the_module(folder):
    grid = read_grid(folder / "mine.toml")
    tasks = make_plan(grid, ResultStore(folder / "store"), workers=1).tasks
    assert {(task.cell.model, task.module) for task in tasks} == {
        ("MY-POOL", "my_pooling"),
        ("R-MY-POOL", "my_pooling"),
        ("N-MINCUTPOOL", None),
    }


def test_a_model_of_a_notebook_cannot_go_to_workers(folder):
    exec(MODULE, {"__name__": "__main__"})
    grid = Grid("mine", "a test", (Cell("MY-POOL", "DIGITS", {}, 1),), (1,))
    with pytest.raises(UsageError, match=r"MY-POOL was registered in a script or notebook.*my_pooling\.py"):
        run_grid(grid, folder / "store", progress=False)


WRONG = {
    "absent": ("no_such_module", None, "'no_such_module' cannot be imported"),
    "a file": ("wrong.py", "", "'wrong.py' cannot be imported"),
    "a mistake": ("wrong", "1 / 0", "'wrong' cannot be imported (ZeroDivisionError"),
    "no syntax": ("wrong", "def", "'wrong' cannot be imported (SyntaxError"),
    "nothing registered": ("wrong", "x = 3", "'wrong' registers no model"),
    "a name that exists": (
        "wrong",
        MODULE.replace("R-MY-POOL", "GMN"),
        "'wrong' cannot register its models: there is a model 'GMN' already",
    ),
    "no name": ("", "", "'' cannot be imported"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_modules_are_one_sentence(case, folder, capsys):
    name, content, words = WRONG[case]
    if content is not None:
        (folder / "wrong.py").write_text(content)
    (folder / "mine.toml").write_text(GRID.replace("my_pooling", name))
    for command in (
        ["grid", "mine.toml", "--dry-run"],
        ["train", "GMN", "DIGITS", "--module", name],
        ["results", "--module", name],
    ):
        before = model_names()
        assert main(command) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert words in line
        assert ("line 2 of" in line) == (command[0] == "grid")
        assert model_names() == before, "nothing half registered"


@pytest.mark.parametrize("modules", ["3", "[3]", "{}"])
def test_modules_are_names(modules, folder):
    (folder / "mine.toml").write_text(GRID.replace('["my_pooling"]', modules))
    with pytest.raises(UsageError, match=r"line 2 of .*modules must be a list of names"):
        read_grid(folder / "mine.toml")


def test_cells_of_a_model_that_is_not_registered_are_told_apart(folder, record_of, capsys):
    import_models(["my_pooling"])
    store = ResultStore(folder / "store")
    store.prepare()
    for size in (8, 16):
        for seed in (1, 2):
            store.write(record_of(Cell("MY-POOL", "DIGITS", {"hidden_dim": size}), seed))
    forget()
    assert main(["results"]) == 0
    out = capsys.readouterr().out
    assert out.count("MY-POOL") == 2 and out.count("cell ") == 2
