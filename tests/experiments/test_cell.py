"""The hash that names a run: of what determines it, of nothing else, and the same from a cell as from a record."""

from __future__ import annotations

import pytest

from rethinkpool_core import build_model, load_dataset, train
from rethinkpool_core.errors import RethinkPoolError, UsageError
from rethinkpool_core.experiments.cell import Cell, cell_digest
from rethinkpool_core.models.names import MODELS


@pytest.mark.parametrize("name", MODELS)
def test_cell_and_trained_record_agree(name, data_folder):
    parameters = {"batch_size": 128} | ({"num_keys": [4, 1]} if "GMN" in name else {})
    cell = Cell(name, "DIGITS", parameters, max_epochs=1)
    for_model, for_training = cell.split_parameters
    dataset = load_dataset("DIGITS", data_folder)
    model = build_model(name, dataset, **for_model)
    (record,) = train(model, dataset, [3], max_epochs=1, device="cpu", progress=False, **for_training)
    assert cell_digest(record) == cell.digest
    assert cell.key(3) == f"{cell.digest}-3"


BASE = ("MINCUTPOOL", "NCI1", {"hidden_dim": 16}, 1000)


@pytest.mark.parametrize(
    "other",
    [
        ("N-MINCUTPOOL", *BASE[1:]),
        ("MINCUTPOOL", "NCI109", *BASE[2:]),
        ("MINCUTPOOL", "NCI1", {"hidden_dim": 17}, 1000),
        ("MINCUTPOOL", "NCI1", {}, 1000),
        ("MINCUTPOOL", "NCI1", {"hidden_dim": 16, "learning_rate": 0.002}, 1000),
        ("MINCUTPOOL", "NCI1", {"hidden_dim": 16, "tf32": True}, 1000),
        ("MINCUTPOOL", "NCI1", {"hidden_dim": 16}, 999),
    ],
)
def test_what_determines_a_run(other):
    assert Cell(*other).digest != Cell(*BASE).digest


@pytest.mark.parametrize(
    "same",
    [
        {"hidden_dim": 16, "learning_rate": 0.001},  # a default, written out
        {"cluster_ratio": 0.5, "hidden_dim": 16},
        {"hidden_dim": 16, "replicas": 3},  # without effect
        {"hidden_dim": 16, "checkpoint_every": 5, "eval_batch_size": 7, "cuda_graphs": False},
    ],
)
def test_what_does_not(same):
    assert Cell("MINCUTPOOL", "NCI1", same, 1000).digest == Cell(*BASE).digest


def test_two_names_of_one_dataset():
    assert Cell("GMN", "TU:IMDB-BINARY").digest == Cell("GMN", "IMDB-B").digest


@pytest.mark.parametrize(
    ("model", "dataset", "parameters", "words"),
    [
        ("MINCUTPOL", "NCI1", {}, "MINCUTPOOL"),
        ("MINCUTPOOL", "NCI2", {}, "NCI1"),
        ("MINCUTPOOL", "NCI1", {"hiden_dim": 3}, "hidden_dim"),
        ("MINCUTPOOL", "NCI1", {"hidden_dim": 0}, "at least 1"),
        ("MINCUTPOOL", "NCI1", {"batch_size": "many"}, "whole number"),
    ],
)
def test_wrong_cells(model, dataset, parameters, words):
    with pytest.raises(UsageError) as error:
        Cell(model, dataset, parameters)
    assert words in str(error.value) and isinstance(error.value, RethinkPoolError)


@pytest.mark.parametrize("epochs", [0, -1, 2.0, "5", None, True])
def test_wrong_numbers_of_epochs(epochs):
    with pytest.raises(UsageError, match="'max_epochs'"):
        Cell("MINCUTPOOL", "NCI1", {}, epochs)
