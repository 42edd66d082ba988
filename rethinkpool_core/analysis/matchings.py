"""Matchings of one graph whose nodes are listed in several orders (Remark 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rethinkpool_core.analysis.assignments import first_assignment
from rethinkpool_core.analysis.permutations import random_orders, reordered
from rethinkpool_core.datasets.dataset import GraphDataset
from rethinkpool_core.models.build import build_model


@dataclass(frozen=True)
class MatchingsOfOrders:
    """Clusters that a model's first pooling layer makes of one graph, for several orders of its nodes.

    clusters    (orders, n) cluster of each node, with nodes as the dataset numbers them; the first row is for that order
    """

    clusters: Tensor

    @property
    def distinct(self) -> int:
        """Number of different partitions of the nodes."""
        return len({_partition(row.tolist()) for row in self.clusters})

    @property
    def num_clusters(self) -> tuple[int, int]:
        """Fewest and most clusters of an order."""
        counts = [len(row.unique()) for row in self.clusters]
        return min(counts), max(counts)

    def assignment(self, number: int) -> Tensor:
        """Return the assignment matrix S (n, K) of one order."""
        return torch.nn.functional.one_hot(self.clusters[number].unique(return_inverse=True)[1]).double()


def matchings_of_orders(
    name: str, dataset: GraphDataset, number: int, *, orders: int = 20, seed: int = 1, **overrides: Any
) -> MatchingsOfOrders:
    """Return the clusters of graph ``number`` in the first pooling layer of model ``name``, for so many orders of its nodes.

    The draws of a matching depend on the seed and on positions in the graph, so nothing but the order of nodes changes.

    Raises as `build_model`.
    """
    model = build_model(name, dataset, seed=seed, **overrides).eval()
    index = torch.tensor([number])
    n = int(dataset.store.num_nodes[number])
    found = []
    for draw in range(orders):
        order = random_orders(dataset, index, seed + draw)[0] if draw else torch.arange(n)
        permuted = reordered(dataset, index, [order])
        found.append(first_assignment(model, permuted, 0).argmax(1)[order.argsort()])
    return MatchingsOfOrders(torch.stack(found))


def _partition(clusters: list[int]) -> frozenset[frozenset[int]]:
    members: dict[int, set[int]] = {}
    for node, cluster in enumerate(clusters):
        members.setdefault(cluster, set()).add(node)
    return frozenset(map(frozenset, members.values()))
