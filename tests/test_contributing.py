"""CONTRIBUTING.md says what is so: its map of the rooms is the contract that import-linter checks, and its files exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def layers() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (one for one in project["tool"]["importlinter"]["contracts"] if one["type"] == "layers")
    return [room.strip() for layer in contract["layers"] for room in layer.split("|")]


def test_the_map_has_the_rooms_of_the_contract_in_their_order():
    assert re.findall(r"^\| `(\w+)` \| \S", TEXT, flags=re.M) == layers()


def test_make_has_the_targets():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"make ([a-z-]+)", TEXT))
    assert named == {"install", "test", "test-long", "lint", "book", "lab"}
    assert named <= set(re.findall(r"^([a-z-]+):", makefile, flags=re.M))


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:\w+/)+\w+\.\w+)`", TEXT))))
def test_files_are_there(path):
    assert (ROOT / path).exists() or (ROOT / "rethinkpool_core" / path).exists()
