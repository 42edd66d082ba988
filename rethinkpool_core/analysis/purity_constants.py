"""The release's small constants in GMN's unsupervised loss: how much they change the loss of an untrained model."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from rethinkpool_core.batching.batch import BatchBuilder
from rethinkpool_core.datasets.dataset import GraphDataset
from rethinkpool_core.models.build import build_model

CONSTANT = 1e-8
"""What the release adds to both logarithms and to both denominators."""


@dataclass(frozen=True)
class PurityConstants:
    """The unsupervised loss per graph of the first memory layer of an untrained GMN, before its weight.

    loss        mean over graphs as the equation has it
    change      mean over graphs of what the constants add
    negative    share of graphs whose loss is negative with the constants
    nearest     largest distance of an entry of S from 1 / K, in units of 1 / K
    """

    loss: float
    change: float
    negative: float
    nearest: float


@torch.no_grad()
def purity_constants(
    dataset: GraphDataset,
    index: Tensor,
    seed: int,
    *,
    batch_statistics: bool = False,
    dtype: torch.dtype = torch.float64,
) -> PurityConstants:
    """Measure the loss with and without the constants on some graphs.

    index               graphs, in one batch
    seed                of the model
    batch_statistics    whether batch norm takes its statistics from the batch, as in training, or has its initial ones
    dtype               precision of the model and of the loss
    """
    model = build_model("GMN", dataset, seed=seed).to(dtype).train(batch_statistics)
    batch = BatchBuilder(dataset, dtype=dtype)(index)
    graph = model.input_graph(batch)
    queries = model.norm(model.second(model.first(graph).relu()).relu())
    S = model.memory[0].assign(queries).S
    bounds = list(pairwise(batch.pointer[: batch.num_graphs + 1].tolist()))
    exact = torch.tensor([float(released_purity(S[first:last], 0.0)) for first, last in bounds])
    theirs = torch.tensor([float(released_purity(S[first:last], CONSTANT)) for first, last in bounds])
    keys = S.shape[-1]
    rows = S[: bounds[-1][1]]
    return PurityConstants(
        float(exact.mean()),
        float((theirs - exact).mean()),
        float((theirs < 0).double().mean()),
        float((keys * rows - 1).abs().max()),
    )


def released_purity(S: Tensor, constant: float) -> Tensor:
    """Return the unsupervised loss of one graph from S (n, K), with ``constant`` where the release adds its own, as a scalar."""
    ratio = S.square() / (S.sum(0) + constant)
    P = ratio / (ratio.sum(1, keepdim=True) + constant)
    return (P * ((P + constant).log() - (S + constant).log())).sum()
