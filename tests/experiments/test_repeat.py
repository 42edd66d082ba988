"""Commands that repeat runs, read back by the command line's own parsers."""

from __future__ import annotations

import shlex

import pandas as pd
import pytest
from analysis.samples import runs_of

from rethinkpool_core.commands.values import parse_assignments, parse_seeds
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.repeat import (
    changed_parameters,
    device_option,
    grid_commands,
    repeat_command,
    runs_besides,
    seed_ranges,
)


def parsed(command: str):
    """Cell, seeds and device of a ``rethinkpool train`` command."""
    program, what, model, dataset, *words = shlex.split(command)
    assert (program, what) == ("rethinkpool", "train")
    options = dict(zip(words[::2], words[1::2], strict=True))
    assignments = [value for name, value in zip(words[::2], words[1::2], strict=True) if name == "--set"]
    cell = Cell(
        model, dataset, parse_assignments(assignments, "--set"), int(options.get("--max-epochs", 1000))
    )
    return cell, parse_seeds(options["--seeds"]), options.get("--device", "auto")


@pytest.mark.parametrize(
    "cell",
    [
        Cell("MINCUTPOOL", "PROTEINS"),
        Cell("GMN", "NCI1", {"train_keys": False, "num_keys": [4, 1]}),
        Cell("N-MINCUTPOOL", "NCI1", {"random_assignment": "uniform", "learning_rate": 0.0005}, max_epochs=7),
    ],
    ids=str,
)
def test_the_command_is_that_cell_again(cell):
    again, seeds, device = parsed(repeat_command(cell.model, cell.dataset, cell.config, [4, 5, 9], "cpu"))
    assert (again.digest, seeds, device) == (cell.digest, [4, 5, 9], "cpu")


def test_an_unknown_model_is_repeated_by_name():
    assert repeat_command("MINE", "NCI1", {}, [1]) == "rethinkpool train MINE NCI1 --seeds 1-1"


def test_changed_parameters():
    cell = Cell("GMN", "NCI1", {"num_keys": [4, 1], "purity_period": 0})
    assert changed_parameters("GMN", "NCI1", cell.config) == {"num_keys": [4, 1], "purity_period": 0}


@pytest.mark.parametrize("seeds", [[7], [1, 2, 3], [3, 1, 2, 9, 11, 12]])
def test_ranges_of_seeds_are_read_back(seeds):
    assert parse_seeds(seed_ranges(seeds)) == sorted(seeds)


@pytest.mark.parametrize(
    ("recorded", "option"),
    [
        ("cpu, 1 threads", "cpu"),
        ("NVIDIA H200", "cuda"),
        ("mps", "mps"),
        ("NVIDIA H200, then NVIDIA H100", "cuda"),
        ("NVIDIA H200, then cpu, 1 threads", "auto"),
        (None, "auto"),
    ],
)
def test_device_option(recorded, option):
    assert device_option(recorded) == option


def test_commands_of_a_grid_select_what_was_run():
    protein = [
        Cell(model, "PROTEINS") for model in ("MINCUTPOOL", "N-MINCUTPOOL", "DIFFPOOL-V2", "N-DIFFPOOL-V2")
    ]
    runs = runs_of(*((cell, 0.7) for cell in protein), (Cell("MINCUTPOOL", "NCI1"), 0.7))
    more = runs_of((Cell("MINCUTPOOL", "NCI1"), 0.7), seeds=range(21, 31))
    assert grid_commands("table-s5", runs) == [
        "rethinkpool grid table-s5 --dataset NCI1 --model MINCUTPOOL",
        "rethinkpool grid table-s5 --dataset PROTEINS",
    ]
    assert grid_commands("table-s5", more) == [
        "rethinkpool grid table-s5 --dataset NCI1 --model MINCUTPOOL --seeds 21-30"
    ]
    assert grid_commands("table-s5", more, "cuda") == [
        "rethinkpool grid table-s5 --dataset NCI1 --model MINCUTPOOL --seeds 21-30 --device cuda"
    ]
    assert grid_commands("table-s5", runs[:0]) == ["rethinkpool grid table-s5"]


def test_runs_besides_are_those_that_the_commands_train_too():
    """The grid has four settings of NO-POOL on RINGS-1: these have ten seeds of one and five of another, of 4 x 10."""
    shallow, deep = (Cell("NO-POOL", "RINGS-1", {"num_layers": number}) for number in (1, 4))
    ten, five = runs_of((shallow, 0.5), seeds=range(1, 11)), runs_of((deep, 0.9), seeds=range(1, 6))
    assert runs_besides("rings", pd.concat([ten, five])) == 25
    assert runs_besides("rings", five) == 15
    assert runs_besides("table-s5", runs_of((Cell("MINCUTPOOL", "NCI1"), 0.7))) == 0
