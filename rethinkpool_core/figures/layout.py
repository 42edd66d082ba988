"""Positions of the nodes of a drawn graph that has no coordinates of its own."""

from __future__ import annotations

import numpy as np

_GAP = 0.35  # between components, in units of the mean length of an edge


def lay_out(nodes: int, edges: np.ndarray) -> np.ndarray:
    """Return coordinates (nodes, 2) such that distances in the drawing follow distances in the graph.

    Each connected component is laid out alone (Kamada and Kawai) and scaled to edges of mean length 1; components stand in a row,
    the largest first.

    edges  (E, 2) pairs of nodes, in one direction or in both
    """
    import networkx

    graph = networkx.empty_graph(nodes)
    graph.add_edges_from((u, v) for u, v in edges.tolist() if u != v)
    positions, left = np.zeros((nodes, 2)), 0.0
    for component in sorted(networkx.connected_components(graph), key=lambda part: (-len(part), min(part))):
        members = sorted(component)
        placed = _connected(graph.subgraph(members), members)
        placed -= [placed[:, 0].min(), placed[:, 1].mean()]
        positions[members] = placed + np.array([left, 0.0])
        left += placed[:, 0].max() + 1 + _GAP
    return positions


def _connected(graph, members: list[int]) -> np.ndarray:
    import networkx

    if len(members) == 1:
        return np.zeros((1, 2))
    found = networkx.kamada_kawai_layout(graph)
    positions = np.array([found[node] for node in members])
    place = {node: number for number, node in enumerate(members)}
    ends = np.array([[place[u], place[v]] for u, v in graph.edges])
    lengths = np.linalg.norm(positions[ends[:, 0]] - positions[ends[:, 1]], axis=1)
    positions /= lengths.mean()
    _, axes = np.linalg.eigh(np.cov(positions.T))  # lie the longest way across
    return positions @ axes[:, ::-1]
