"""A data root fetched from the mirror of the real sets, and a tiny TU set written by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

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
    write_tiny(root / "TUDataset" / "TINY" / "raw")
    return root


def write_tiny(raw: Path) -> None:
    edges, indicator, labels, node_labels = [], [], [], []
    for graph in range(GRAPHS):
        first, size = len(indicator) + 1, 3 + graph % 3
        for node in range(size - 1):
            edges += [f"{first + node}, {first + node + 1}", f"{first + node + 1}, {first + node}"]
        indicator += [str(graph + 1)] * size
        node_labels += [str((1, 2, 4)[node % 3]) for node in range(size)]
        labels.append(str(graph % 2 * 2 - 1))
    raw.mkdir(parents=True)
    for kind, lines in {
        "A": edges,
        "graph_indicator": indicator,
        "graph_labels": labels,
        "node_labels": node_labels,
    }.items():
        (raw / f"TINY_{kind}.txt").write_text("\n".join(lines) + "\n")
