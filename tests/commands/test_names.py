"""Every command takes names in any case, and ``train`` the seeds and parameters as they are typed."""

from __future__ import annotations

import pytest

from rethinkpool_core.cli import main
from rethinkpool_core.training import RunRecord


@pytest.fixture
def trained(monkeypatch, tmp_path_factory):
    """Calls of `train`, which trains nothing: (model, dataset, seeds)."""
    import rethinkpool_core.training

    monkeypatch.setenv("RETHINKPOOL_DATA", str(tmp_path_factory.getbasetemp() / "cli-data"))
    calls = []

    def train(model, data, seeds, **options):
        calls.append((model, data, seeds))
        return [RunRecord(model.name, data.name, seed, "accuracy", 0.5, 0.25, 1, 1) for seed in seeds]

    monkeypatch.setattr(rethinkpool_core.training, "train", train, raising=False)
    return calls


def test_train_takes_names_in_any_case_and_a_list_of_seeds(trained, capsys):
    arguments = ["--seeds", "2,5-6", "--set", "hidden_dim", "8", "--set", "cluster_ratio=0.25"]
    assert main(["train", "n-MinCutPool", "digits", *arguments]) == 0
    ((model, data, seeds),) = trained
    assert (model.name, data.name, seeds) == ("N-MINCUTPOOL", "DIGITS", [2, 5, 6])
    assert (model.config.hidden_dim, model.config.cluster_ratio) == (8, 0.25)
    assert "over 3 seeds" in capsys.readouterr().out


def test_grid_takes_names_in_any_case(tmp_path, capsys):
    named = ["grid", "Table-S5", "--model", "mincutpool", "--dataset", "proteins", "--store", str(tmp_path)]
    assert main([*named, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "MINCUTPOOL on PROTEINS" in out and "20 runs to do" in out


@pytest.mark.parametrize(
    "args",
    [
        ["results", "TABLE-S5", "--store", "nowhere"],
        ["results", "compact", "x.parquet", "--grid", "TABLE-S5", "--store", "nowhere"],
    ],
)
def test_results_takes_names_in_any_case(args, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(args) == 1, "the grid is known, and has no runs there"
    assert "nowhere" in capsys.readouterr().err


def test_data_takes_names_in_any_case(trained, capsys):
    assert main(["data", "stats", "digits"]) == 0
    assert "DIGITS" in capsys.readouterr().out
    assert main(["data", "fetch", "digits"]) == 0
    assert capsys.readouterr().out.startswith("DIGITS: ")


def test_notebook_takes_names_in_any_case(capsys):
    assert main(["notebook", "Pooling-vs-Random", "-p", "seedz", "1"]) == 2
    assert "in notebook pooling-vs-random" in capsys.readouterr().err
