"""Tables of section A.2, the worked example as text, and the diagrams in a browser."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from book_pages import BOOK

from rethinkpool_core.analysis.four_nodes import worked_examples
from rethinkpool_core.datasets.counts import read_counts
from rethinkpool_core.errors import UnknownNameError
from rethinkpool_core.figures.architecture import architectures, draw_architecture
from rethinkpool_core.figures.four_nodes import draw_example
from rethinkpool_core.models.names import MODELS
from rethinkpool_core.site.four_nodes import example_text, matrix
from rethinkpool_core.site.model_pages import write_model_pages
from rethinkpool_core.site.model_tables import (
    cluster_table,
    defaults_table,
    overview,
    page_of,
    parameter_table,
    settings_table,
)


def rows(table: str) -> dict[str, list[str]]:
    """Cells of each row by its first cell."""
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.splitlines()
        if line[:1] == "|"
    ]
    return {line[0]: line[1:] for line in lines}


def test_settings_are_the_printed_ones():
    assert rows(settings_table("S2"))["`MOLHIV`"] == ["2", "128", "64"]
    assert rows(settings_table("S3"))["`ZINC`"] == ["1", "56", "56", "64"]
    assert rows(settings_table("S4"))["`DD`"] == ["32, 8, 1", "5", "3", "64", "128"]
    assert "| `MINCUTPOOL` | `MOLHIV` |  | 64 |  | 32 |" in settings_table("B")


def test_every_model_is_in_the_overview_and_has_a_page():
    found = rows(overview())
    for model in MODELS:
        assert f"[`{model}`](../models/{page_of(model)}.md)" in found
        assert (BOOK / "models" / f"{page_of(model)}.md").is_file()


def test_clusters_and_the_share_of_smaller_graphs():
    counts = read_counts()
    below = sum(graphs for size, graphs in counts["NCI1"].sizes.items() if size < 56) / 4110
    assert rows(cluster_table(counts))["`NCI1`"][4] == f"56, 28 ({100 * below:.0f} %)"
    assert rows(cluster_table(counts))["`DD`"][4] == "2874, 1437 (> 99 %)"
    assert rows(cluster_table(counts))["`SMNIST`"][2] == "8 (0 %)"


def test_parameters_of_models_with_the_same_numbers_share_a_row():
    found = rows(parameter_table({"NCI1": read_counts()["NCI1"]}))
    assert found["`GRACLUS`<br>`COMPLEMENT`<br>`NO-POOL`"] == ["25\u202f602"]
    assert found["`MINCUTPOOL`"] == ["10\u202f454"]


def test_defaults_say_what_differs_and_what_is_fixed():
    found = rows(defaults_table(["GMN", "DISTANCE-GMN", "RANDOM-GMN"]))
    assert found["`key_scale`"][0] == "`GMN`: 1.0; `DISTANCE-GMN`: 10.0"
    assert found["`num_keys`"][0] == "per dataset, Table S4"
    assert "`RANDOM-GMN`: random (fixed)" in found["`kernel`"][0]
    assert found["`query_dim`"] == ["64", "width of the query network"]
    assert (
        rows(defaults_table(["DIFFPOOL", "N-DIFFPOOL"]))["`sum_input`"][0] == "true on `IMDB-B`, else false"
    )


def test_matrix_in_latex():
    assert matrix(np.array([[1.0, 0.0]])).startswith(r"\begin{pmatrix}1 & 0\end{pmatrix}")
    assert matrix(np.array([[0.5], [-0.001]])).startswith(r"\begin{pmatrix}0.50 \\ 0.00\end{pmatrix}")


@pytest.mark.parametrize("model", worked_examples())
def test_text_of_an_example_has_its_matrices(model):
    example = worked_examples()[model]
    text = example_text(example)
    assert matrix(example.S) in text and matrix(example.X) in text
    assert (example.A is None) == ("A'" not in text)
    assert text.count("$") % 2 == 0
    assert f"{example.S.shape[1]} clusters" in draw_example(example).caption


def test_pages_get_diagrams_defaults_and_code(tmp_path):
    (tmp_path / "tables").mkdir()
    write_model_pages(tmp_path)
    for page in (BOOK / "models").glob("*.md"):
        text = page.read_text(encoding="utf-8")
        for name in re.findall(r"\.\./tables/(\S+)", text):
            assert (tmp_path / "tables" / name).is_file()
        for name in re.findall(r"\{literalinclude\} /(\S+)", text):
            assert (tmp_path / Path(name)).is_file()


def test_unknown_diagram():
    with pytest.raises(UnknownNameError, match="MINCUTPOOL"):
        draw_architecture("MINCUT")


# Each text of a diagram, and whether it fits into the smallest rectangle around its centre.
INSIDE = """
() => [...document.querySelectorAll("svg text")].map(text => {
  const t = text.getBBox(), [x, y] = [t.x + t.width / 2, t.y + t.height / 2];
  const boxes = [...text.ownerSVGElement.querySelectorAll("rect")].map(rect => rect.getBBox());
  const around = boxes.filter(b => b.x <= x && x <= b.x + b.width && b.y <= y && y <= b.y + b.height);
  const box = around.sort((a, b) => a.width * a.height - b.width * b.height)[0];
  return [text.textContent, Boolean(box) && box.x <= t.x && t.x + t.width <= box.x + box.width];
})
"""


@pytest.mark.parametrize("model", architectures())
def test_text_of_a_diagram_fits_its_box(browser, model):
    tab = browser.new_page(viewport={"width": 390, "height": 844})
    try:
        tab.set_content(f"<!doctype html><meta charset=utf-8>{draw_architecture(model)._repr_html_()}")
        found = tab.evaluate(INSIDE)
    finally:
        tab.close()
    assert len(found) > 5
    assert [text for text, fits in found if not fits] == []
