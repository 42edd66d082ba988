"""A data root fetched from the mirror of the real sets, and a tiny TU set written by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import networkx as nx
import pytest
from tu_files import write_tu

from rethinkpool_core.datasets.fetch import fetch


@pytest.fixture(scope="session")
def fetched_root(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """``fetched_root(name)`` is a data root that has the raw files of that dataset, shared by the session."""
    root = tmp_path_factory.mktemp("data")
    done: set[str] = set()

    def get(name: str) -> Path:
        if name not in done:
            fetch([name], root, mirror)
            done.add(name)
        return root

    return get


GRAPHS = 20


@pytest.fixture
def tiny_root(tmp_path: Path) -> Path:
    """A data root with the set ``TU:TINY``: graph ``i`` is a path of ``3 + i % 3`` nodes, of class ``i % 2``.

    Nodes are labelled 1, 2, 4 by position modulo 3, so that label 3 does not occur.
    """
    root = tmp_path / "root"
    write_tu(
        root / "TUDataset" / "TINY" / "raw",
        "TINY",
        [nx.path_graph(3 + graph % 3) for graph in range(GRAPHS)],
        [graph % 2 * 2 - 1 for graph in range(GRAPHS)],
    )
    return root
