"""TU sets written by hand, in the text files of TU Dortmund."""

from __future__ import annotations

import zipfile
from pathlib import Path

import networkx as nx

NODE_LABELS = (1, 2, 4)  # by position modulo 3, so that label 3 does not occur


def write_tu(raw: Path, name: str, graphs: list[nx.Graph], classes: list[int]) -> None:
    """Write the files of a set to the new folder ``raw``; graphs have the nodes 0 to n - 1, of which there may be none."""
    edges, indicator, node_labels = [], [], []
    for number, graph in enumerate(graphs, start=1):
        first = len(indicator) + 1
        edges += [f"{first + u}, {first + v}" for u, v in sorted(graph.to_directed().edges)]
        indicator += [number] * len(graph)
        node_labels += [NODE_LABELS[node % 3] for node in range(len(graph))]
    raw.mkdir(parents=True)
    for kind, lines in {
        "A": edges,
        "graph_indicator": indicator,
        "graph_labels": classes,
        "node_labels": node_labels,
    }.items():
        (raw / f"{name}_{kind}.txt").write_text("".join(f"{line}\n" for line in lines))


def write_tu_mirror(mirror: Path, name: str, graphs: list[nx.Graph], classes: list[int]) -> None:
    """Write the same set as an archive into the folder ``mirror``."""
    raw = mirror / name
    write_tu(raw, name, graphs, classes)
    archive = mirror / "TUDataset" / f"{name}.zip"
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w") as opened:
        for file in sorted(raw.iterdir()):
            opened.write(file, f"{name}/{file.name}")
