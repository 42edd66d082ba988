"""The notebook on a reader's own data, on graphs of PyG that the package does not know."""

from __future__ import annotations

import json

import pytest
import torch

from rethinkpool_core.errors import UnknownNameError
from rethinkpool_core.site.example_graphs import EXAMPLES, example_graphs
from rethinkpool_core.site.notebooks import profile_parameters, run_notebook


@pytest.mark.parametrize("example", ["FakeDataset", "ExplainerDataset"])
def test_ten_lines_from_graphs_of_pyg_to_a_verdict(example, tmp_path):
    tiny = profile_parameters("tiny")["y_your_data"]
    done = run_notebook("y_your_data", {**tiny, "example": example}, output=tmp_path / "done.ipynb")
    cells = json.loads(done.read_text(encoding="utf-8"))["cells"]
    shown = [
        "".join(output.get("data", {}).get("text/markdown", ""))
        for cell in cells
        for output in cell.get("outputs", ())
    ]
    assert any(text.startswith("On YOUR-DATA, ") and "nodes are pooled together" in text for text in shown)


def test_there_are_ten_lines():
    from rethinkpool_core.site.notebooks import project_folder

    path = project_folder() / "notebooks" / "y_your_data.ipynb"
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = next("".join(cell["source"]) for cell in cells if "pooling_verdict(" in "".join(cell["source"]))
    assert len([line for line in code.splitlines() if line.strip()]) <= 10


@pytest.mark.parametrize("name", EXAMPLES[1:])
def test_examples_are_the_same_every_time_and_have_both_classes(name):
    one, two = example_graphs(name), example_graphs(name)
    assert all(torch.equal(a.edge_index, b.edge_index) for a, b in zip(one, two, strict=True))
    assert {int(graph.y) for graph in one} == {0, 1} and len(one) == 60


def test_an_unknown_example():
    with pytest.raises(UnknownNameError, match="did you mean 'FakeDataset'"):
        example_graphs("FakeDatasets")
