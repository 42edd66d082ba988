"""The page of departures names parameters that exist."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from rethinkpool_core.errors import UnknownNameError
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.models.names import MODELS

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "f_released_code.ipynb"
CELLS = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
PAGE = "\n".join("".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "markdown")
SETTINGS = re.findall(r"`(\w+)=([\w.-]+)`", PAGE)


def value(text: str) -> object:
    """``text`` as `rethinkpool train --set` reads it."""
    if text in ("true", "false"):
        return text == "true"
    try:
        return ast.literal_eval(text)
    except ValueError:
        return text


def accepts(model: str, key: str, text: str) -> bool:
    try:
        Cell(model, "NCI1", {key: value(text)})
    except UnknownNameError:
        return False
    return True


def test_there_are_settings():
    assert len(SETTINGS) >= 8


@pytest.mark.parametrize(("key", "text"), SETTINGS)
def test_some_model_accepts_the_setting(key, text):
    assert [model for model in MODELS if accepts(model, key, text)]
