"""Greedy matchings of a batch's nodes: by pyg-lib or torch-cluster if one of them is installed, else in Python.

Neither is on the package index as a wheel, so most users of PyG have neither. The benchmark therefore also reports the speed-up
without the time of the matchings, which does not depend on who computes them.
"""

from __future__ import annotations

import random

import torch
from torch import Tensor
from torch_geometric.typing import WITH_GRACLUS
from torch_geometric.utils import to_dense_adj

if WITH_GRACLUS:
    from torch_geometric.nn import graclus

    SOURCE = "pyg-lib"
else:
    try:
        from torch_cluster import graclus_cluster

        SOURCE = "torch-cluster"
    except ImportError:
        SOURCE = "plain Python"


def greedy_matching(edge_index: Tensor, num_nodes: int) -> Tensor:
    """Return the cluster of each node, (num_nodes,) int64: the smaller node of its pair."""
    if SOURCE == "pyg-lib":
        return graclus(edge_index, num_nodes=num_nodes)
    if SOURCE == "torch-cluster":
        return graclus_cluster(*edge_index, num_nodes=num_nodes)
    return sequential(edge_index, num_nodes)


def sequential(edge_index: Tensor, num_nodes: int) -> Tensor:
    """Match each unmatched node, in random order, with a random unmatched neighbour."""
    neighbours: list[list[int]] = [[] for _ in range(num_nodes)]
    for source, target in zip(*edge_index.tolist(), strict=True):
        neighbours[source].append(target)
    cluster = [-1] * num_nodes
    order = list(range(num_nodes))
    random.shuffle(order)
    for node in order:
        if cluster[node] < 0:
            free = [other for other in neighbours[node] if cluster[other] < 0 and other != node]
            other = random.choice(free) if free else node
            cluster[node] = cluster[other] = min(node, other)
    return torch.tensor(cluster, device=edge_index.device)


def on_edges(data) -> Tensor:
    """Match nodes that an edge joins."""
    return greedy_matching(data.edge_index, data.num_nodes)


def on_complement(data) -> Tensor:
    """Match nodes of the same graph that no edge joins."""
    A = to_dense_adj(data.edge_index, data.batch)
    sizes = torch.bincount(data.batch, minlength=len(A))
    real = torch.arange(A.shape[1], device=A.device) < sizes[:, None]
    missing = (A == 0) & real[:, None, :] & real[:, :, None]
    missing.diagonal(dim1=1, dim2=2).fill_(False)
    graph, source, target = missing.nonzero(as_tuple=True)
    first = sizes.cumsum(0) - sizes
    return greedy_matching(torch.stack([first[graph] + source, first[graph] + target]), data.num_nodes)


MATCHINGS = {"graph": on_edges, "complement": on_complement}
