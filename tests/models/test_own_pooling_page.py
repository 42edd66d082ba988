"""The example of the page "Add a pooling method" runs as it is printed."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "book" / "own-pooling.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def example() -> str:
    (code,) = blocks("python")
    return code


def test_a_pooling_method_takes_about_sixty_lines(example):
    lines = [line for line in example.splitlines() if line.strip()]
    assert len(lines) <= 62


def test_it_trains_beside_its_twin_and_prints_a_verdict(example, tmp_path):
    script = tmp_path / "own_pooling.py"
    script.write_text(example)
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, cwd=tmp_path, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    told = done.stdout.strip().splitlines()[-1]
    assert (
        told.startswith("On DIGITS, N-CENTREPOOL is ") and "CENTREPOOL over 5 seeds, paired by split" in told
    )


def test_the_grid_of_the_page_trains_the_module_of_the_page(example, tmp_path, monkeypatch):
    from rethinkpool_core.experiments.grid_file import read_grid
    from rethinkpool_core.models.registry import forget_models

    (grid,) = blocks("toml")
    assert tomllib.loads(grid)["modules"] == ["centrepool"]
    (tmp_path / "centrepool.py").write_text(example.split("digits = load_dataset")[0])
    (tmp_path / "grid.toml").write_text(grid)
    monkeypatch.syspath_prepend(tmp_path)
    try:
        cells = read_grid(tmp_path / "grid.toml").cells
        assert {cell.model for cell in cells} == {"CENTREPOOL", "N-CENTREPOOL", "NO-POOL"}
    finally:
        forget_models(["N-CENTREPOOL", "CENTREPOOL"])
        sys.modules.pop("centrepool", None)
