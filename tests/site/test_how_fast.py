"""The page "How fast" says what the measurement says, whatever that is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rethinkpool_core.errors import DataError
from rethinkpool_core.site import how_fast

COMMITTED = Path(__file__).parents[2] / "results" / "how-fast.json"


@pytest.fixture
def found():
    return json.loads(COMMITTED.read_text(encoding="utf-8"))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose measurement is what the test makes it."""
    (tmp_path / "results").mkdir()
    monkeypatch.setattr(how_fast, "project_folder", lambda: tmp_path)

    def put(text: str):
        (tmp_path / "results" / "how-fast.json").write_text(text)

    return put


def cells(table: str) -> list[str]:
    """Cells of the row of MODEL."""
    (row,) = [line for line in table.splitlines() if "MODEL" in line]
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_pieces_hold_the_numbers(found):
    entry = found["models"][0]
    entry |= {"model": "MODEL", "speedup": 12.34, "min": 11.11, "max": 13.57, "baseline_seconds": 0.12345}
    entry["memory"] = {"baseline": 1_500_000_000, "ours": None}
    found["overall"]["speedup"] = 7.77
    found["growth"]["nodes"][0]["stopped"] = "memory"
    pieces = how_fast.parts(found)
    assert cells(pieces["models"])[2] == "0.123"
    assert cells(pieces["models"])[4:] == ["**12.3** (11.1–13.6)"]
    assert cells(pieces["memory"])[1:] == ["1500", "-"]
    assert "**7.8**" in pieces["overall"]
    assert "memory" in pieces["stopped"]
    assert found["commit"][:12] in pieces["where"]
    for name in ("ratios", "seeds", "nodes", "graphs"):
        assert pieces[name].startswith("```{raw} html\n")
        assert pieces[name].count("<svg") == pieces[name].count("aria-label=") >= 1
        assert "\n\n" not in pieces[name]


def test_no_line_had_to_end_early(found):
    for curves in found["growth"].values():
        for curve in curves:
            curve["stopped"] = None
    assert how_fast.parts(found)["stopped"].startswith("No curve")


def test_the_pieces_are_those_of_the_page(found):
    page = (COMMITTED.parents[1] / "book" / "how-fast.md").read_text(encoding="utf-8")
    for name in how_fast.parts(found):
        assert f"tables/how-fast-{name}.md" in page


def test_measurement_that_is_not_there(project):
    with pytest.raises(DataError, match=r"cannot be read.*rethinkpool bench --json"):
        how_fast.read_measurement()
    project("{")
    with pytest.raises(DataError, match="cannot be read"):
        how_fast.read_measurement()


@pytest.mark.parametrize(
    "change", [{"format": 0}, {"overall": None}, {"growth": None}, {"models": [{"model": "GMN"}]}]
)
def test_part_of_a_measurement_is_refused(found, project, change):
    project(json.dumps(found))
    assert how_fast.read_measurement() == found
    project(json.dumps(found | change))
    with pytest.raises(DataError, match="complete benchmark"):
        how_fast.read_measurement()
