"""What an error that nobody catches prints: where the user's call went wrong, then one sentence."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rethinkpool_core.cli import main

NO_NETWORK = """
from torch_geometric.datasets import TUDataset
TUDataset.url = "https://127.0.0.1:9/graphs"
from rethinkpool_core import load_dataset
load_dataset("NCI1", root)
"""
DAMAGED_ARCHIVE = """
from pathlib import Path
from rethinkpool_core.files.archive import unpack_zip
archive = Path(root, "set.zip")
archive.write_bytes(b"PK")
unpack_zip(archive, Path(root, "set"))
"""
DAMAGED_TABLE = """
from pathlib import Path
from rethinkpool_core import load_dataset
raw = Path(root, "TUDataset", "SET", "raw")
raw.mkdir(parents=True)
for kind in ("graph_indicator", "A", "graph_labels"):
    (raw / f"SET_{kind}.txt").write_text("1, two")
load_dataset("TU:SET", root)
"""
NO_FOLDER = """
from pathlib import Path
from rethinkpool_core import load_dataset
Path(root, "file").write_text("")
load_dataset("DIGITS", Path(root, "file", "root"))
"""
NO_EXTRA = """
from rethinkpool_core.errors import needs_extra
with needs_extra("experiments", "a grid"):
    import no_such_module
"""


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (NO_NETWORK, "DataError", "rethinkpool data fetch NCI1 --from DIR"),
        (DAMAGED_ARCHIVE, "DataError", "is damaged or incomplete"),
        (DAMAGED_TABLE, "DataError", "is not a table of whole numbers"),
        (NO_FOLDER, "StorageError", "choose another data folder"),
        (NO_EXTRA, "RethinkPoolError", "pip install 'rethinkpool[experiments]'"),
    ],
    ids=["network", "archive", "table", "folder", "extra"],
)
def test_one_traceback_and_a_sentence(code, kind, said, tmp_path):
    code = f"root = {str(tmp_path)!r}{code}"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
    *lines, last = done.stderr.splitlines()
    assert last.startswith(f"rethinkpool_core.errors.{kind}: ") and said in last
    assert [line for line in lines if not line.startswith(" ")] == ["Traceback (most recent call last):"]
    called = [line for line in lines if line.startswith("  File ")]
    assert all("rethinkpool_core" in line or "<string>" in line or "contextlib" in line for line in called)


def test_debug_shows_what_came_before(tmp_path, monkeypatch, capsys):
    from torch_geometric.datasets import TUDataset

    monkeypatch.setattr(TUDataset, "url", str(tmp_path / "nowhere"))
    assert main(["data", "stats", "NCI1", "--root", str(tmp_path), "--debug"]) == 1
    said = capsys.readouterr().err
    assert said.count("Traceback") == 2
    assert "FileNotFoundError" in said and "During handling of the above exception" in said
    assert said.splitlines()[-1].startswith("error: NCI1 is not in")
