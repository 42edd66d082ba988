"""What a randomised variant's pooling does to each graph and node, made once for a training instead of in every step.

A fixed assignment makes S^T A S, at every level, a function of the graph and the seed.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from rethinkpool_core.batching.batch import OF_NODES, BatchBuilder
from rethinkpool_core.models.base import PoolingModel
from rethinkpool_core.models.build import replica

LIMIT = 2**30  # bytes; above it, each step makes its own


@torch.no_grad()
def known_terms(
    model: PoolingModel,
    seeds: list[int],
    builder: BatchBuilder,
    batch_size: int,
    *,
    begun: int | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> dict[str, Tensor]:
    """`PoolingModel.known` of the whole dataset for each seed; empty if larger than `LIMIT`.

    (R, G, ...) of G graphs, (R, N + 1, ...) of N nodes, with a row for padding.

    begun    seeds that began together, those that are over included: `LIMIT` is for all of them, so that the others, resumed,
             compute as if they had not been interrupted
    stopped  asked after each batch, since this can take minutes: KeyboardInterrupt if it says so
    """
    sizes = builder.graphs.num_nodes
    known: dict[str, Tensor] = {}
    for row, seed in enumerate(seeds):
        one = replica(model, seed).to(builder.device).eval()
        for index in sizes.argsort(stable=True).split(batch_size):
            batch = builder(index)
            terms = one.known(batch)
            of_nodes = {name: name.startswith(OF_NODES) for name in terms}
            if not known:
                rows = {name: len(builder.x if of_nodes[name] else sizes) for name in terms}
                size = sum(rows[name] * value[0].nbytes for name, value in terms.items())
                if not size or size * (begun or len(seeds)) > LIMIT:
                    return {}
                known = {
                    name: value.new_zeros(len(seeds), rows[name], *value.shape[1:])
                    for name, value in terms.items()
                }
            for name, value in terms.items():
                known[name][row, batch.node_id if of_nodes[name] else batch.graph_id] = value
            if stopped():
                raise KeyboardInterrupt
    return known
