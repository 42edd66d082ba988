"""Figures S2 to S13 from committed activations."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from rethinkpool_core.analysis.activations import LayerSpread, TracedGraph, TracedRun, write_activations
from rethinkpool_core.errors import UnknownNameError
from rethinkpool_core.paper.figures import EMBEDDING_FIGURES
from rethinkpool_core.site.embeddings import (
    committed_activations,
    figure_of_paper,
    spread_before_pooling,
    spread_table,
)

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "e_embeddings.ipynb"


def run_of(model, dataset, spread=0.125):
    graphs = [TracedGraph(4, {"conv 1": np.ones((3, 2), np.float32)})]
    about = {
        "model": model,
        "dataset": dataset,
        "seed": 1,
        "test_score": 0.5,
        "commit": "ab" * 20,
        "command": "go --store R&D",
    }
    return TracedRun(about, [LayerSpread("conv 1", spread, 0.5, 10)], graphs)


def test_headings_of_the_notebook_are_the_figures_of_the_paper():
    text = "\n".join(
        "".join(cell["source"]) for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    )
    found = re.findall(
        r"^### Figure (S\d+): (\S+) on (\S+)$\n?\n?figure_of_paper\(\"(S\d+)\"", text, flags=re.M
    )
    assert [(number, (model, dataset)) for number, model, dataset, _ in found] == list(
        EMBEDDING_FIGURES.items()
    )
    assert all(number == called for number, _, _, called in found)


def test_a_figure_without_a_run_names_its_command():
    shown = figure_of_paper("S7", [run_of("GMN", "NCI1")])._repr_html_()
    assert "Not run yet" in shown and "rethinkpool grid embeddings --model RANDOM-GMN --dataset NCI1" in shown
    assert "<svg" not in shown


def test_a_figure_with_a_run_shows_it_and_where_it_comes_from():
    shown = figure_of_paper("S6", [run_of("GRACLUS", "NCI1"), run_of("GMN", "NCI1")])._repr_html_()
    assert (
        "GMN on NCI1" in shown
        and "Seed 1" in shown
        and "abababababab" in shown
        and "Not run yet" not in shown
    )
    assert "<code>go --store R&amp;D</code>" in shown


def test_unknown_figure():
    with pytest.raises(UnknownNameError):
        figure_of_paper("S14", [])


def test_committed_runs_come_in_the_order_of_the_figures(tmp_path):
    path = tmp_path / "embeddings.safetensors"
    assert committed_activations(path) == []
    write_activations(path, [run_of("N-DIFFPOOL", "MOLHIV"), run_of("GRACLUS", "NCI1")])
    found = committed_activations(path)
    assert [one.run["model"] for one in found] == ["GRACLUS", "N-DIFFPOOL"]


def test_spread_before_pooling_is_that_of_the_last_layer_before_it():
    def run(model, *layers):
        return TracedRun(
            {"model": model, "dataset": "NCI1"}, [LayerSpread(*one, None, 9) for one in layers], []
        )

    runs = [
        run("GRACLUS", ("conv 1", 0.6), ("conv 2", 0.7), ("pool 2", 0.1)),
        run("GMN", ("conv 1", 0.3), ("conv 2", 0.2), ("memory 1", 0.0)),
        run("NO-POOL", ("conv 1", 0.4), ("conv 2", 0.9)),
    ]
    assert spread_before_pooling(runs).splitlines() == [
        "- `GMN` on NCI1: 0.2 after conv 2",
        "- `GRACLUS` on NCI1: 0.7 after conv 2",
        "- `NO-POOL` on NCI1: 0.9 after conv 2",
    ]


def test_table_has_a_row_per_layer_and_blanks_where_nothing_is_defined():
    table = spread_table([run_of("GMN", "NCI1"), run_of("GMN", "MOLHIV", None)])
    assert "| `GMN` | NCI1 | conv 1 | 0.125 ± 0.5 | 10 |" in table
    assert "| `GMN` | MOLHIV | conv 1 |  | 10 |" in table
