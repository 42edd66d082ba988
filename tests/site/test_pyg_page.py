"""The examples of the page "Use it with PyG" run as they are printed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "book" / "pyg.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def printed(example: str, folder: Path) -> str:
    (folder / "example.py").write_text(example)
    done = subprocess.run(
        [sys.executable, "example.py"], capture_output=True, text=True, cwd=folder, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        pytest.param(0, r"On DIGITS, TwoLayers .* over 3 seeds, paired by split", marks=pytest.mark.slow),
        (1, r"RunRecord\(MINCUTPOOL on MINE, seed 1: .*\)\nRunRecord\(MINCUTPOOL on MINE, seed 2: "),
        (2, r"\['cut', 'orthogonality'\]"),
        (3, r"torch.Size\(\[8, 10\]\) \['cut', 'orthogonality'\]"),
        (4, r"\{'embed 1': \(\d+, \d+\), .*'assignment 1': "),
    ],
)
def test_example(number, shown, tmp_path):
    assert re.search(shown, printed(EXAMPLES[number], tmp_path))


def test_every_example_is_tried():
    assert len(EXAMPLES) == 5


def test_it_says_how_many_models_have_a_reference():
    from rethinkpool_core.reference.build import REFERENCE_MODELS

    assert "For nine models" in PAGE.read_text(encoding="utf-8") and len(REFERENCE_MODELS) == 9
