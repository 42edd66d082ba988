"""Datasets with permuted nodes, to test whether a model is invariant to the order of nodes (Appendix C)."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from rethinkpool_core.datasets.ragged import offsets_from_sizes
from rethinkpool_core.datasets.storage.store import GraphStore


def permuted(dataset, index: Tensor, seed: int):
    """Return a dataset of the graphs ``index``, with the nodes of each in a random order drawn from ``seed``.

    Its training, validation and test sets are all of these graphs.
    """
    generator = torch.Generator().manual_seed(seed)
    store = dataset.store
    x, edges, attrs = [], [], []
    for number in index.tolist():
        rows, edge_index, edge_attr, _ = store.graph(number)
        order = torch.randperm(len(rows), generator=generator)
        new_index = torch.empty_like(order)
        new_index[order] = torch.arange(len(order))
        pairs = new_index[edge_index.long()]
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
        # A published split is the same for every seed.
        spec=replace(dataset.spec, split="published"),
        train=everything,
        val=everything,
        test=everything,
        checksum=f"{dataset.checksum} permuted {seed}",
    )
