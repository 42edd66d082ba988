"""README.md says what the committed results say, and shows the picture that the package draws of them."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from rethinkpool_core.errors import DataError
from rethinkpool_core.paper import TABLES, published
from rethinkpool_core.site.readme import PICTURE, picture, with_findings
from rethinkpool_core.site.table_s5 import load_table_s5

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
RENEW = "run `python -m rethinkpool_core.site.readme`"


@pytest.fixture(scope="module")
def table():
    return load_table_s5()


def test_lines_are_those_of_the_results(table):
    assert with_findings(TEXT, table) == TEXT, RENEW


def test_lines_hold_the_numbers_of_the_records(table):
    """Counts and differences, computed from the rows alone."""
    points = table.runs[(table.runs.metric != "mae") & table.runs.model.isin(TABLES["S5"].models)]
    means = 100 * points.groupby(["dataset", "model"]).test_score.mean()
    differences = [
        means[dataset, f"N-{model}"] - mean
        for (dataset, model), mean in means.items()
        if (dataset, f"N-{model}") in means
    ]
    less, more = min(differences), max(differences)
    assert f"{-less:.1f} points less to {more:.1f} points more than its method" in TEXT
    cells = table.runs.groupby(["dataset", "model"]).ngroups
    assert f"- {cells} of the {len(published('S5'))} cells of Table S5" in TEXT


def test_markers_are_needed(table):
    with pytest.raises(DataError, match="has no lines"):
        with_findings("# rethinkpool\n", table)


def test_picture_is_that_of_the_results(table):
    """The same words, colours and coordinates; positions of text may differ a little between versions of matplotlib."""
    committed = (ROOT / PICTURE).read_text(encoding="utf-8")
    drawn = picture(table)
    assert f"]({PICTURE})" in TEXT
    assert _words(committed) == _words(drawn), RENEW
    np.testing.assert_allclose(_coordinates(committed), _coordinates(drawn), atol=2.0, err_msg=RENEW)


def test_picture_has_a_sheet_and_an_ink_of_its_own(table):
    root = ElementTree.fromstring(picture(table))
    sheet = root.find("{http://www.w3.org/2000/svg}rect")
    assert (sheet.get("fill"), sheet.get("width"), root.get("color")) == ("#ffffff", "100%", "#1f2328")
    assert root.get("aria-label").startswith("Table S5. ")


def _words(svg: str) -> list[str]:
    return [element.text for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("}text")]


def _coordinates(svg: str) -> list[float]:
    paths = " ".join(re.findall(r'\bd="([^"]*)"', svg))
    return [float(number) for number in re.findall(r"-?\d+\.?\d*", paths)]
