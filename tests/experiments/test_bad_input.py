"""What a user can get wrong: each is one sentence and an exit code, soon, or a finished job; never a lost run."""

from __future__ import annotations

import time
from dataclasses import replace

import networkx as nx
import pytest
import torch
from small_graphs import dataset_of, store_of

from rethinkpool_core import run_grid
from rethinkpool_core.cli import main
from rethinkpool_core.experiments import work
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.grids import Grid
from rethinkpool_core.experiments.store import ResultStore

WRONG_COMMANDS = {
    "no such grid": (["grid", "table-s6"], 2, "did you mean 'table-s5'"),
    "no such file": (["grid", "mine.toml"], 1, "No such file"),
    "model outside the grid": (["grid", "smoke", "--model", "GMN"], 2, "in the grid smoke"),
    "dataset outside the grid": (["grid", "smoke", "--dataset", "NCI1"], 2, "in the grid smoke"),
    "misspelt model": (["grid", "smoke", "--model", "MINCUTPOL"], 2, "did you mean 'MINCUTPOOL'"),
    "no seeds": (["grid", "smoke", "--seeds", "0"], 2, "from 1 to"),
    "seeds in words": (["grid", "smoke", "--seeds", "all"], 2, "as in 1,5,9-12"),
    "seeds backwards": (["grid", "smoke", "--seeds", "9-1"], 2, "as in 1,5,9-12"),
    "seed twice": (["grid", "smoke", "--seeds", "1,2,1"], 2, "more than once"),
    "too many seeds": (["grid", "smoke", "--seeds", "1-999999999"], 2, "as in 1,5,9-12"),
    "seed too large": (["grid", "smoke", "--seeds", "1,2147483648"], 2, "2147483647"),
    "workers below 0": (["grid", "smoke", "--workers", "-1"], 2, "--workers cannot be -1"),
    "no such engine": (["grid", "smoke", "--engine", "slurm"], 2, "give local or dask"),
    "dask without a scheduler": (["grid", "smoke", "--engine", "dask"], 2, "--scheduler tcp://"),
    "scheduler of the engine local": (
        ["grid", "smoke", "--scheduler", "tcp://127.0.0.1:1"],
        2,
        "--engine dask",
    ),
    "nobody at that address": (
        ["grid", "smoke", "--engine", "dask", "--scheduler", "tcp://127.0.0.1:1"],
        2,
        "no Dask scheduler answers at tcp://127.0.0.1:1",
    ),
    "no address": (
        ["grid", "smoke", "--engine", "dask", "--scheduler", "here"],
        2,
        "no Dask scheduler answers",
    ),
    "dry run without an engine": (
        ["grid", "smoke", "--dry-run", "--engine", "slurm"],
        2,
        "give local or dask",
    ),
    "dry run without a scheduler": (
        ["grid", "smoke", "--dry-run", "--engine", "dask"],
        2,
        "--scheduler tcp://",
    ),
    "no such protocol": (
        ["grid", "smoke", "--engine", "dask", "--scheduler", "foo://127.0.0.1:1"],
        2,
        "no Dask scheduler answers",
    ),
    "no such device": (["grid", "smoke", "--device", "tpu"], 2, "tpu"),
    "results of an empty store": (["results"], 1, "there is no run"),
    "results of no grid": (["results", "table-s6"], 2, "did you mean 'table-s5'"),
    "margin below 0": (["results", "--margin", "-1"], 1, "there is no run"),
    "nothing to compact": (["results", "compact", "out.parquet"], 1, "no store or file"),
    "activations of a grid without weights": (
        ["results", "activations", "out.safetensors", "--grid", "smoke"],
        2,
        "such as embeddings",
    ),
    "compact to nowhere": (["results", "compact", "no/such/out.parquet"], 1, "cannot write"),
}


@pytest.mark.parametrize("case", WRONG_COMMANDS)
def test_wrong_commands(case, tmp_path, monkeypatch, capsys):
    words, code, part = WRONG_COMMANDS[case]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RETHINKPOOL_STORE", str(tmp_path / "store"))
    start = time.monotonic()
    assert main(words) == code
    out, errors = capsys.readouterr()
    assert len(errors.splitlines()) == 1 and errors.startswith("error: ") and part in errors, errors
    assert "Traceback" not in errors and out == ""
    assert time.monotonic() - start < 60, "it does not hang"
    assert not list((tmp_path / "store").glob("*.parquet"))


# -- data that no one would choose


def graphs(n=30):
    return [nx.gnm_random_graph(3 + i % 5, 4 + i % 3, seed=i) for i in range(n)]


def with_targets(y, like="DIGITS", **options):
    return dataset_of(store_of(graphs(len(y)), y=y), like=like, **options)


def regression(y):
    made = with_targets(y, num_classes=1)
    return replace(made, spec=replace(made.spec, task="regression", metric="mae", split="published"))


def published(dataset, **parts):
    return replace(dataset, spec=replace(dataset.spec, split="published"), **parts)


NOTHING = torch.empty(0, dtype=torch.int64)
STRANGE = {
    "NaN targets": (lambda: regression(torch.full((30,), float("nan"))), "train_loss became nan"),
    "one NaN target": (
        lambda: regression(torch.tensor([float("nan")] + [1.0] * 29)),
        "became nan",
    ),
    "infinite targets": (lambda: regression(torch.full((30,), float("inf"))), "became"),
    "no graph to train on": (
        lambda: published(with_targets(torch.arange(30) % 2), train=NOTHING),
        "no graph in its train split",
    ),
    "no graph to validate on": (
        lambda: published(with_targets(torch.arange(30) % 2), val=NOTHING),
        "no graph in its val split",
    ),
    "no graph to test on": (
        lambda: published(with_targets(torch.arange(30) % 2), test=NOTHING),
        "no graph in its test split",
    ),
    "one class": (lambda: with_targets(torch.zeros(30, dtype=torch.int64)), None),
    "a class of one graph": (lambda: with_targets((torch.arange(30) == 3).long()), None),
    "as many classes as graphs": (lambda: with_targets(torch.arange(30), num_classes=30), None),
    "a single graph": (lambda: published(with_targets(torch.zeros(1, dtype=torch.int64))), None),
    "graphs without edges": (
        lambda: dataset_of(store_of([nx.empty_graph(n) for n in range(1, 31)])),
        None,
    ),
    "features that are no numbers": (
        lambda: replace(made := with_targets(torch.arange(30) % 2), store=_spoiled(made.store)),
        "became nan",
    ),
}


def _spoiled(store):
    return replace(store, x=torch.full_like(store.x, float("nan")))


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("case", STRANGE)
@pytest.mark.parametrize("model", ["MINCUTPOOL", "GRACLUS"])
def test_strange_data(model, case, tmp_path, monkeypatch):
    make, part = STRANGE[case]
    dataset = make()
    monkeypatch.setattr(work, "_dataset", lambda name, root: dataset)
    cell = Cell(model, "DIGITS", {"batch_size": 8}, 2)
    report = run_grid(
        Grid("strange", "a test", (cell,), (1, 2)), tmp_path / "store", workers=1, progress=False
    )
    records = list(ResultStore(tmp_path / "store").records())
    assert sorted(record.seed for record in records) == [1, 2], "none is lost"
    if part is None:
        assert report.trained == 2 and not report.failures, report.failures
        assert all(0 <= record.test_score <= 1 for record in records)
    else:
        assert len(report.failures) == 2 and report.trained == 0
        for reason in report.failures.values():
            assert part in reason and "\n" not in reason and len(reason) < 300, reason
