"""What a randomised variant's pooling does to each graph, made once for a whole training instead of in every step.

A fixed assignment makes S^T A S, at every level, a function of the graph and the seed.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from rethinkpool_core.data.batch import BatchBuilder
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
    """`PoolingModel.known` of every graph of the dataset for each seed, (R, G, ...); empty if larger than `LIMIT`.

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
            if not known:
                per_graph = sum(value[0].numel() * value.element_size() for value in terms.values())
                if not per_graph or per_graph * len(sizes) * (begun or len(seeds)) > LIMIT:
                    return {}
                known = {
                    name: value.new_empty(len(seeds), len(sizes), *value.shape[1:])
                    for name, value in terms.items()
                }
            for name, value in terms.items():
                known[name][row, batch.graph_id] = value
            if stopped():
                raise KeyboardInterrupt
    return known
