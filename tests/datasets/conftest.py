"""A tiny TU set written by hand."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import pytest
from tu_files import write_tu

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
