"""The line under what a notebook computed."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path

import pytest

from rethinkpool_core.errors import DeviceError
from rethinkpool_core.site.computed_here import computed_here


def test_it_names_data_seed_and_the_command(small):
    shown = computed_here(
        "c_invariance", small.dataset, 7, parameters={"dataset": "DIGITS", "live_models": "A, B"}
    ).html
    assert "seed 7" in shown and "DIGITS, 9 graphs, checksum <code>made in a te" in shown
    assert "rethinkpool notebook c_invariance -p dataset DIGITS -p live_models &#x27;A, B&#x27;" in shown


def test_a_device_that_is_not_here(small):
    with pytest.raises(DeviceError):
        computed_here("c_invariance", small.dataset, 1, "cuda:99")


def test_several_seeds_are_named(small):
    assert "seeds 1-3," in computed_here("y_your_data", small.dataset, [3, 1, 2]).html.replace(" ·", ",")
    assert "seed 7," in computed_here("y_your_data", small.dataset, [7]).html.replace(" ·", ",")


NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.mark.parametrize(
    ("notebook", "others"),
    [
        ("c_invariance", set()),
        ("d_collapsed_keys", set()),
        ("e_embeddings", set()),
        ("y_your_data", set()),
        ("z_playground", {"methods", "graph"}),  # of the pictures of clusters, which have no such line
    ],
)
def test_the_command_of_a_notebook_has_every_parameter(notebook, others):
    """All but those of this machine: device, and folders."""
    cells = json.loads((NOTEBOOKS / f"{notebook}.ipynb").read_text(encoding="utf-8"))["cells"]
    code = [ast.parse("".join(cell["source"])) for cell in cells if cell["cell_type"] == "code"]
    (parameters,) = [
        {target.id for line in tree.body for target in line.targets}
        for cell, tree in zip([cell for cell in cells if cell["cell_type"] == "code"], code, strict=True)
        if "parameters" in cell["metadata"].get("tags", ())
    ]
    given = {
        key.value
        for tree in code
        if "computed_here" in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        for key in node.keys
    }
    assert parameters - {"device", "root", "store"} - others <= given


def test_a_name_with_markup_is_escaped(small):
    named = replace(small.dataset, name="A<B & C")
    assert "A&lt;B &amp; C, 9 graphs" in computed_here("y_your_data", named, 1).html
