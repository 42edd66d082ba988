"""Whether a model's output depends on the order in which a graph's nodes are written down (Appendix C)."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from rethinkpool_core.datasets.ragged import offsets_from_sizes
from rethinkpool_core.datasets.storage.store import GraphStore


def permuted(dataset, index: Tensor, seed: int):
    """A dataset of the graphs ``index``, in that order, the nodes of each in an order drawn from ``seed``.

    All parts of its split are all of its graphs.
    """
    generator = torch.Generator().manual_seed(seed)
    store = dataset.store
    x, edges, attrs = [], [], []
    for number in index.tolist():
        rows, edge_index, edge_attr, _ = store.graph(number)
        order = torch.randperm(len(rows), generator=generator)
        place = torch.empty_like(order)
        place[order] = torch.arange(len(order))
        pairs = place[edge_index.long()]
        by_source = (pairs[0] * len(order) + pairs[1]).argsort()
        x.append(rows[order])
        edges.append(pairs[:, by_source].to(edge_index.dtype))
        if edge_attr is not None:
            attrs.append(edge_attr[by_source])
    offsets = [offsets_from_sizes(sizes[index]) for sizes in (store.num_nodes, store.num_edges)]
    shuffled = GraphStore(
        torch.cat(x), torch.cat(edges, 1), torch.cat(attrs) if attrs else None, store.y[index], *offsets
    )
    everything = torch.arange(len(index))
    return replace(
        dataset,
        store=shuffled,
        # A published split is one that no seed draws anew.
        spec=replace(dataset.spec, split="published"),
        train=everything,
        val=everything,
        test=everything,
        checksum=f"{dataset.checksum} permuted {seed}",
    )
