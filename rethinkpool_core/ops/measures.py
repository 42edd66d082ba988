"""What an assignment is like, (B,): one value per graph, over its real nodes."""

from __future__ import annotations

from torch import Tensor

from rethinkpool_core.engine.assignment import Assignment


def distance_from_uniform(S: Assignment) -> Tensor:
    """Return the total variation distance between a row of S and 1/K in every cluster, averaged over nodes.

    It is 0 where every node is shared equally by all K clusters, and at most 1 - 1/K, where every node has one cluster.
    """
    distance = (S.S - 1 / S.num_clusters).abs().sum(-1, keepdim=True) / 2
    return S.nodes.mean(distance).squeeze(-1)
