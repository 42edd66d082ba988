"""Whether a model's output depends on the order in which a graph's nodes are written down (Appendix C)."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from rethinkpool_core.datasets.storage.store import GraphStore


def permuted(dataset, index: Tensor, seed: int):
    """A dataset of the graphs ``index``, in that order, the nodes of each in an order drawn from ``seed``.

    All parts of its split are all of its graphs.
    """
    generator = torch.Generator().manual_seed(seed)
    store = dataset.store
    x, edges, attrs = [], [], []
    for number in index.tolist():
        nodes = slice(int(store.node_offsets[number]), int(store.node_offsets[number + 1]))
        bonds = slice(int(store.edge_offsets[number]), int(store.edge_offsets[number + 1]))
        order = torch.randperm(nodes.stop - nodes.start, generator=generator)
        place = torch.empty_like(order)
        place[order] = torch.arange(len(order))
        pairs = place[store.edge_index[:, bonds].long()]
        by_source = (pairs[0] * len(order) + pairs[1]).argsort()
        x.append(store.x[nodes][order])
        edges.append(pairs[:, by_source].to(store.edge_index.dtype))
        if store.edge_attr is not None:
            attrs.append(store.edge_attr[bonds][by_source])
    offsets = [
        torch.tensor([0, *sizes]).cumsum(0)
        for sizes in (store.num_nodes[index].tolist(), store.num_edges[index].tolist())
    ]
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
