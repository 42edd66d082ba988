"""Terms of randomised variants that depend on graph and seed alone, computed once per training instead of in every step.

A fixed assignment makes S^T A S, at every level, a function of the graph and the seed (`engine.precomputed`).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from rethinkpool_core.batching.batch import BatchBuilder
from rethinkpool_core.engine.mode import is_as_written
from rethinkpool_core.engine.precomputed import PER_NODE
from rethinkpool_core.models.base import PoolingModel
from rethinkpool_core.models.build import replica


def max_bytes(device: torch.device) -> int:
    """Return how many bytes the terms may take; above that, each step computes its own."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory // 4
    return 2**30


@torch.no_grad()
def precompute_fixed_pooling(
    model: PoolingModel,
    seeds: list[int],
    builder: BatchBuilder,
    batch_size: int,
    *,
    started: int | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> dict[str, Tensor]:
    """Return `PoolingModel.fixed_terms` of the whole dataset for each seed; empty if they take more than `max_bytes`.

    Terms are (R, G, ...) for G graphs, or (R, N + 1, ...) for N nodes, with a row for padding.

    started  number of seeds that were started together, finished ones included: `max_bytes` is for all of them, so that the
             others, resumed, compute as if they had not been interrupted
    stopped  asked after each batch, since this can take minutes; KeyboardInterrupt if it says so
    """
    if is_as_written():
        return {}
    sizes = builder.graphs.num_nodes
    found: dict[str, Tensor] = {}
    for row, seed in enumerate(seeds):
        one = replica(model, seed).to(builder.device).eval()
        for index in sizes.argsort(stable=True).split(batch_size):
            batch = builder(index)
            terms = one.fixed_terms(batch)
            per_node = {name: name.startswith(PER_NODE) for name in terms}
            if not found:
                rows = {name: len(builder.x if per_node[name] else sizes) for name in terms}
                size = sum(rows[name] * value[0].nbytes for name, value in terms.items())
                if not size or size * (started or len(seeds)) > max_bytes(builder.device):
                    return {}
                found = {
                    name: value.new_zeros(len(seeds), rows[name], *value.shape[1:])
                    for name, value in terms.items()
                }
            for name, value in terms.items():
                found[name][row, batch.node_id if per_node[name] else batch.graph_id] = value
            if stopped():
                raise KeyboardInterrupt
    return found
