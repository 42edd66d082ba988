"""The named grids, and those of a file."""

from __future__ import annotations

import pytest

from rethinkpool_core.errors import RethinkPoolError, StorageError, UnknownNameError, UsageError
from rethinkpool_core.experiments.grid_file import read_grid
from rethinkpool_core.experiments.grids import GRIDS, get_grid
from rethinkpool_core.paper import published


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("table-s5", 4 * 8),
        ("main-graclus", 3 * 8),
        ("main-diffpool", 5 * 8),
        ("main-gmn", 4 * 8),
        ("figure-s1", 2 * 3),
        ("initial-convolutions", 2 * 3),
        ("reach", 2 * 3 * 3),
        ("embeddings", 6 * 2),
        ("rings", (5 * 4 + 4) * 3),
        ("smoothness", 7),
        ("smoothness-longer", 1),
        ("smoke", 4),
    ],
)
def test_named_grids(name, cells):
    grid = get_grid(name)
    assert len(grid.cells) == len({cell.digest for cell in grid.cells}) == cells
    seeds = {"embeddings": 1, "rings": 10, "smoothness": 3, "smoothness-longer": 5}.get(name, 20)
    assert grid.seeds == tuple(range(1, seeds + 1))


def test_table_s5_is_what_the_paper_prints():
    printed = {(score.model, score.dataset) for score in published("S5")}
    assert {(cell.model, cell.dataset) for cell in get_grid("table-s5").cells} == printed


def test_the_control_is_one_cell_wherever_it_is():
    of = [
        {cell.digest for cell in get_grid(name).cells if cell.model == "NO-POOL"}
        for name in ("main-graclus", "main-diffpool", "main-gmn")
    ]
    assert of[0] == of[1] == of[2] and len(of[0]) == 8


def test_released_code_has_each_departure_beside_what_it_departs_from():
    cells = get_grid("released-code").cells
    for dataset in ("NCI1", "PROTEINS"):
        here = [cell for cell in cells if cell.dataset == dataset]
        configs = {(cell.model, str(cell.config)) for cell in here}
        assert len(configs) == len(here)
        for model in {cell.model for cell in here}:
            assert sum(cell.model == model for cell in here) >= 2


def test_restricted():
    grid = get_grid("table-s5").restricted(["MINCUTPOOL"], ["NCI1", "DD"])
    assert [(cell.model, cell.dataset) for cell in grid.cells] == [
        ("MINCUTPOOL", "NCI1"),
        ("MINCUTPOOL", "DD"),
    ]
    with pytest.raises(UnknownNameError, match="in the grid table-s5"):
        grid.restricted(["GMN"])
    with pytest.raises(UnknownNameError, match="did you mean 'NCI1'"):
        grid.restricted([], ["NCI"])


def test_unknown_grid_lists_the_known():
    with pytest.raises(UnknownNameError, match="did you mean 'table-s5'") as error:
        get_grid("table-S5x")
    assert all(name in str(error.value) for name in GRIDS)


FILE = """\
# mine
seeds = [3, 5]

[[cells]]
models = ["MINCUTPOOL", "N-MINCUTPOOL"]
datasets = "PROTEINS"
max_epochs = 7
[cells.parameters]
hidden_dim = [32, 64]
learning_rate = 0.01

[[cells]]
models = ["GMN"]
datasets = ["TU:MUTAG"]
[cells.parameters]
num_keys = [[10, 1], [30, 1]]
"""


def test_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(FILE)
    grid = read_grid(path)
    assert grid.name == "mine" and grid.seeds == (3, 5)
    assert len(grid.cells) == 2 * 2 + 2
    assert {cell.max_epochs for cell in grid.cells} == {7, 1000}
    assert grid.cells[1].parameters == {"hidden_dim": 64, "learning_rate": 0.01}
    assert grid.cells[-1].config["model"]["num_keys"] == [30, 1]


WRONG = {
    "syntax": ("max_epochs = 7", "max_epochs = ", "line 7"),
    "unknown key": ("seeds = [3, 5]", "sedes = [3, 5]", "line 2"),
    "unknown key of cells": ("max_epochs = 7", "epochs = 7", "line 7"),
    "unknown model": ('"N-MINCUTPOOL"', '"N-MINCUTPOL"', "line 5"),
    "unknown dataset": ('"PROTEINS"', '"PROTEIN"', "line 6"),
    "list as a dataset": ('"PROTEINS"', '[["PROTEINS"]]', "line 6"),
    "unknown parameter": ("hidden_dim", "hidden_dims", "line 9"),
    "wrong value": ("[32, 64]", "[32, -1]", "line 9"),
    "no value": ("[32, 64]", "[]", "line 9"),
    "parameter of another model": ("learning_rate = 0.01", "tau = 2.0", "line 10"),
    "wrong epochs": ("max_epochs = 7", "max_epochs = 0", "line 7"),
    "epochs in words": ("max_epochs = 7", 'max_epochs = "many"', "line 7"),
    "no models": ('models = ["MINCUTPOOL", "N-MINCUTPOOL"]', "models = []", "line 5"),
    "models missing": ('models = ["GMN"]\n', "", "line 12"),
    "in the second part": ("[[10, 1], [30, 1]]", "[[10, 0]]", "line 16"),
    "seed twice": ("[3, 5]", "[3, 3]", "line 2"),
    "seed 0": ("[3, 5]", "0", "line 2"),
    "seeds in words": ("[3, 5]", '"all"', "line 2"),
    "parameters are no table": (
        "[cells.parameters]\nhidden_dim = [32, 64]\nlearning_rate = 0.01",
        "parameters = 3",
        "line 8",
    ),
}


def test_unknown_keys_with_the_nearest(tmp_path):
    path = tmp_path / "mine.toml"
    for wrong, near in ("seed", "seeds"), ("datases", "datasets"):
        path.write_text(FILE.replace(near, wrong, 1))
        with pytest.raises(UsageError, match=f"no key '{wrong}' .*did you mean '{near}'"):
            read_grid(path)


@pytest.mark.parametrize("case", WRONG)
def test_wrong_files_name_the_line(case, tmp_path):
    before, after, line = WRONG[case]
    assert before in FILE
    path = tmp_path / "mine.toml"
    path.write_text(FILE.replace(before, after, 1))
    with pytest.raises(UsageError) as error:
        read_grid(path)
    text = str(error.value)
    assert line in text and str(path) in text and "\n" not in text, text


@pytest.mark.parametrize("content", [b"", b"seeds = 3\n", b"cells = 3\n", b"cells = []\n", b"\xff\xfe"])
def test_files_without_a_grid(content, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(RethinkPoolError) as error:
        read_grid(path)
    assert str(path) in str(error.value)


def test_no_file(tmp_path):
    with pytest.raises(StorageError, match="No such file"):
        read_grid(tmp_path / "none.toml")
    with pytest.raises(StorageError, match="directory"):
        read_grid(tmp_path)
