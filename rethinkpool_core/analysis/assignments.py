"""The assignment matrix that a model's first pooling layer gives one graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from rethinkpool_core.batching.batch import BatchBuilder
from rethinkpool_core.errors import UsageError

if TYPE_CHECKING:
    from rethinkpool_core.datasets.dataset import GraphDataset
    from rethinkpool_core.models.base import PoolingModel


def first_assignment(model: PoolingModel, dataset: GraphDataset, number: int) -> Tensor:
    """Return S (n, K) of graph ``number`` in the first pooling layer of a model, which is evaluated and left as it is.

    Clusters of a matching are pairs and single nodes, so S has one 1 per row there.

    Raises UsageError for a model that pools nothing.
    """
    training = model.training
    try:
        with torch.no_grad():
            batch = BatchBuilder(dataset, dtype=next(model.parameters()).dtype)(torch.tensor([number]))
            _, _, layers = model.eval()(batch, trace=True)
    finally:
        model.train(training)
    for name, layer in layers.items():
        if name.startswith("assignment"):
            return layer.of_graph(0)
    raise UsageError(f"{model.name} has no pooling layer: choose another model")


def sharpness(S: Tensor) -> float:
    """Return how far rows of S (n, K) are from uniform, from 0 for uniform rows to 1 for rows with a single 1.

    It is the largest share of a node, averaged over nodes and scaled so that 1 / K becomes 0; 1 for a single cluster.
    """
    K = S.shape[1]
    return 1.0 if K == 1 else float((S.amax(1).mean() - 1 / K) / (1 - 1 / K))
