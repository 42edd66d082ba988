"""The page "How fast" says what the measurement says, whatever that is."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from rethinkpool_core.errors import DataError
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.site import how_fast, how_fast_gpu
from rethinkpool_core.site.table_s5 import committed_runs

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


@pytest.fixture
def gpu():
    return json.loads(COMMITTED.with_name("how-fast-gpu.json").read_text(encoding="utf-8"))


def test_gpu_pieces_hold_the_numbers(gpu):
    """The geometric mean is that of the committed epochs, of four models with twenty seeds on NCI1."""
    entry = gpu["speed"][0]
    assert (entry["model"], entry["dataset"]) == ("MINCUTPOOL", "NCI1")
    logs = [
        math.log(entry["baseline_seconds"] / ours["seconds"])
        for entry in gpu["speed"]
        if entry["dataset"] == "NCI1" and entry["model"].endswith(("MINCUTPOOL", "DIFFPOOL-V2"))
        for ours in entry["ours"]
        if ours["seeds"] == 20
    ]
    assert len(logs) == 4
    mean = math.exp(sum(logs) / 4)
    entry["model"] = "MODEL"
    entry["ours"][0] |= {"seeds": 1, "speedup": 12.34}
    entry["ours"][-1]["peak_bytes"] = 100 * 2**30
    gpu["equality"][3]["recorded"]["all"] = 0.7
    pieces = how_fast_gpu.gpu_parts(gpu)
    assert cells(pieces["speed"])[4] == "12"
    assert cells(pieces["speed"])[-1] == "100.0"
    gpu["speed"][0]["model"] = "MINCUTPOOL"
    assert f"**{mean:.0f}** with 20 seeds on NCI1" in how_fast_gpu.gpu_parts(gpu)["overall"]
    assert "7e-01" in pieces["equality"]
    assert gpu["commit"][:12] in pieces["where"]


def test_no_measured_error_is_above_what_the_page_says(gpu):
    """5.1e-05 is at most 6e-05, 2e-05 at most 2e-05."""
    for entry in gpu["equality"]:
        entry["eager"] = entry["recorded"] = {"first": 5.1e-05, "all": 2e-05}
    text = how_fast_gpu.gpu_parts(gpu)["equality"]
    assert "first step differs by at most 6e-05" in text and text.count("at most 2e-05") == 2


def test_the_gpu_pieces_are_those_of_the_page(gpu):
    page = (COMMITTED.parents[1] / "book" / "how-fast.md").read_text(encoding="utf-8")
    for name in (*how_fast_gpu.gpu_parts(gpu), "tf32-scores"):
        assert f"tables/how-fast-gpu-{name}.md" in page


def test_tf32_beside_float32(gpu):
    """Times are those of the best round per step of all seeds, and scores those of the same seeds, paired."""
    ours = gpu["speed"][0]["ours"]
    twenty = next(one for one in ours if one["seeds"] == 20)
    tf32 = gpu["tf32"]["speed"][0]
    twenty["rounds"], tf32["ours"][0]["rounds"] = [3.0, 2.0], [1.0, 4.0]
    row = how_fast_gpu.gpu_parts(gpu)["tf32"].splitlines()[2]
    assert row.split("|")[2:] == [" `MINCUTPOOL` ", " 20 ", " 400.00 ", " 200.00 ", " 2.00 ", ""]
    runs = committed_runs()
    for one in how_fast_gpu.tf32_comparisons(runs):
        part = runs[(runs.model == one.method) & (runs.dataset == "NCI1") & (runs.seed <= one.seeds[1])]
        is_tf32 = part.config.map(lambda config: config["training"]["tf32"])
        plain = part.cell == Cell(one.method, "NCI1").digest
        expected = 100 * (part[is_tf32].test_score.mean() - part[plain].test_score.mean())
        assert one.difference == pytest.approx(expected)
        assert one.seeds == (20, 20)
        assert one.paired


def test_gpu_measurement_that_is_not_there(tmp_path, monkeypatch):
    (tmp_path / "results").mkdir()
    monkeypatch.setattr(how_fast_gpu, "project_folder", lambda: tmp_path)
    with pytest.raises(DataError, match=r"cannot be read.*bench\.gpu run"):
        how_fast_gpu.read_gpu_measurement()
    (tmp_path / "results" / "how-fast-gpu.json").write_text("{}")
    with pytest.raises(DataError, match="lacks speed-ups"):
        how_fast_gpu.read_gpu_measurement()
