"""Datasets with permuted nodes (Definition 1), to test whether a model depends on the order of nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from rethinkpool_core.datasets.dataset import GraphDataset
from rethinkpool_core.datasets.ragged import offsets_from_sizes
from rethinkpool_core.datasets.storage.store import GraphStore


def random_orders(dataset: GraphDataset, index: Tensor, seed: int) -> list[Tensor]:
    """Return a random order of the nodes of each graph ``index``, (n,) int64 each."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randperm(n, generator=generator) for n in dataset.store.num_nodes[index].tolist()]


def reordered(dataset: GraphDataset, index: Tensor, orders: Sequence[Tensor] | None = None) -> GraphDataset:
    """Return a dataset of the graphs ``index`` in which node i is node ``orders[g][i]`` of graph g.

    With P the permutation matrix whose row i has its 1 in column ``orders[g][i]``, graph (A, X) becomes (P A P^T, P X).
    Training, validation and test set are all of these graphs. Without ``orders`` nodes stay where they are.
    """
    store = dataset.store
    if orders is None:
        orders = [torch.arange(n) for n in store.num_nodes[index].tolist()]
    x, edges, attrs = [], [], []
    for number, order in zip(index.tolist(), orders, strict=True):
        rows, edge_index, edge_attr, _ = store.graph(number)
        pairs = order.argsort()[edge_index.long()]
        by_source = (pairs[0] * len(order) + pairs[1]).argsort()
        x.append(rows[order])
        edges.append(pairs[:, by_source].to(edge_index.dtype))
        if edge_attr is not None:
            attrs.append(edge_attr[by_source])
    offsets = [offsets_from_sizes(sizes[index]) for sizes in (store.num_nodes, store.num_edges)]
    graphs = GraphStore(
        torch.cat(x), torch.cat(edges, 1), torch.cat(attrs) if attrs else None, store.y[index], *offsets
    )
    everything = torch.arange(len(index))
    return replace(
        dataset,
        store=graphs,
        # A published split is the same for every seed.
        spec=replace(dataset.spec, split="published"),
        train=everything,
        val=everything,
        test=everything,
        checksum=graphs.digest(),
    )
