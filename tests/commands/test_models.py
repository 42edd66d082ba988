"""``rethinkpool models`` lists every model, and every parameter that ``--set`` takes with its default."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import pytest

from rethinkpool_core.cli import main
from rethinkpool_core.commands.models import _shown, _type_words
from rethinkpool_core.commands.values import parse_value
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.models.build import config_fields
from rethinkpool_core.models.names import MODELS
from rethinkpool_core.models.registry import find_model
from rethinkpool_core.parameters.check import is_supported
from rethinkpool_core.parameters.descriptions import described_parameters
from rethinkpool_core.training.config import TrainingConfig, training_fields


def rows(out: str) -> dict[str, list[str]]:
    """Cells of each row by its first, two spaces apart."""
    return {line.split()[0]: re.split(" {2,}", line.strip()) for line in out.splitlines() if line.strip()}


def test_every_model_is_listed(capsys):
    assert main(["models"]) == 0
    listed = rows(capsys.readouterr().out)
    assert set(MODELS) <= set(listed)
    assert listed["N-MINCUTPOOL"][1] == "randomised twin of MINCUTPOOL" and "control" in listed["NO-POOL"][1]


@pytest.mark.parametrize("model", MODELS)
def test_listed_defaults_are_those_of_a_run(model, capsys):
    """Each parameter, given as listed, changes nothing; without the parameter it is the same run."""
    assert main(["models", model.lower(), "proteins"]) == 0
    listed = rows(capsys.readouterr().out)
    parameters = [name for name in listed if name not in ("parameters", "parameter") and name.isidentifier()]
    for_model, for_training = (
        Cell(model, "PROTEINS").config["model"],
        Cell(model, "PROTEINS").config["training"],
    )
    assert set(parameters) >= set(for_training) and "hidden_dim" in parameters
    for name in parameters:
        used = for_model.get(name, for_training.get(name))
        if used is not None:  # None: no effect on results
            shown = listed[name][2]
            assert shown == (str(used).lower() if isinstance(used, bool) else str(used))


def test_defaults_that_depend_on_the_dataset_are_marked(capsys):
    assert main(["models", "MINCUTPOOL"]) == 0
    listed = rows(capsys.readouterr().out)
    assert listed["batch_size"][2] == "by dataset" and listed["stop_patience"][2] == "50"


def test_unknown_model_and_dataset(capsys):
    assert main(["models", "MINCUT"]) == 2
    assert "did you mean" in capsys.readouterr().err
    assert main(["models", "GMN", "PROTEIN"]) == 2
    assert "'PROTEINS'" in capsys.readouterr().err


def test_parameters_of_training_are_described():
    assert set(training_fields()) <= set(described_parameters(TrainingConfig))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (int, "whole number"),
        (Literal["a", "b"], "a or b"),
        (tuple[int, ...], "list of whole numbers"),
        (tuple[bool, ...], "list of true or false"),
        (tuple[Literal["a", "b"], ...], "list of a or b"),
    ],
)
def test_every_type_of_parameter_has_words(kind, words):
    assert is_supported(kind) and _type_words(kind) == words


@pytest.mark.parametrize("value", [True, 3, 1e-06, "uniform", (True, False), (32, 1), ("a", "b")])
def test_a_default_is_shown_as_it_can_be_given(value):
    given = parse_value(_shown(value))
    assert (tuple(given) if isinstance(given, list) else given) == value


@pytest.mark.parametrize("model", MODELS)
def test_parameters_of_models_are_described(model):
    config = find_model(model).config
    assert set(config_fields(model)) <= set(described_parameters(config))


def test_descriptions_are_read_from_docstrings():
    @dataclass
    class Config:
        """Settings.

        width: of the hidden layers,
            in neurons
        rate, decay      of the optimiser

        Not an entry: width is mentioned here.
        """

        width: int
        rate: float
        decay: float
        other: int

    assert described_parameters(Config) == {
        "width": "of the hidden layers, in neurons",
        "rate": "of the optimiser",
        "decay": "of the optimiser",
    }
