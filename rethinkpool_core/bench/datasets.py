"""Datasets to measure on: subsets, and random graphs of any size."""

from __future__ import annotations

from dataclasses import replace

import torch

from rethinkpool_core.datasets.dataset import GraphDataset
from rethinkpool_core.datasets.ragged import offsets_from_sizes, repeat_ids
from rethinkpool_core.datasets.spec import get_spec
from rethinkpool_core.datasets.storage.store import GraphStore


def subset(dataset: GraphDataset, count: int) -> GraphDataset:
    """Return ``count`` graphs of ``dataset``, the largest one included, with a new split; all of it if it has no more."""
    if count >= dataset.store.num_graphs:
        return dataset
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(dataset.store.num_graphs, generator=generator)
    largest = int(dataset.store.num_nodes.argmax())  # models are built for the largest graph
    chosen = torch.cat([torch.tensor([largest]), order[order != largest][: count - 1]])
    parts = [dataset.store.graph(number) for number in chosen.tolist()]
    x, edge_index, edge_attr, y = zip(*parts, strict=True)
    store = GraphStore(
        torch.cat(x),
        torch.cat(edge_index, 1),
        None if edge_attr[0] is None else torch.cat(edge_attr),
        torch.stack(y),
        offsets_from_sizes(torch.tensor([len(part) for part in x])),
        offsets_from_sizes(torch.tensor([part.shape[1] for part in edge_index])),
    )
    spec = replace(dataset.spec, split="stratified")
    return replace(dataset, spec=spec, store=store, checksum=store.digest()).with_split(0)


def random_graphs(count: int, least: int, most: int, *, degree: float = 4.0, seed: int = 0) -> GraphDataset:
    """Return ``count`` graphs of ``least`` to ``most`` nodes with random edges and an average degree of ``degree``.

    They have the node labels (37), classes (2) and hyperparameters of NCI1.
    """
    spec = get_spec("NCI1")
    generator = torch.Generator().manual_seed(seed)
    sizes = torch.randint(least, most + 1, (count,), generator=generator)
    drawn = (sizes * degree / 2).long()
    graph = repeat_ids(drawn, int(drawn.sum()))
    ends = (torch.rand(2, len(graph), generator=generator) * sizes[graph]).long()
    u, v = ends[:, ends[0] != ends[1]]
    graph = graph[ends[0] != ends[1]]
    both = torch.stack([torch.cat([graph, graph]), torch.cat([u, v]), torch.cat([v, u])])
    graph, u, v = both.unique(dim=1)  # sorted, each edge once in each direction
    x = torch.randint(spec.num_features, (int(sizes.sum()), 1), generator=generator, dtype=torch.uint8)
    y = torch.randint(2, (count,), generator=generator)
    edges = torch.stack([u, v]).to(torch.int16)
    edge_offsets = offsets_from_sizes(torch.bincount(graph, minlength=count))
    store = GraphStore(x, edges, None, y, offsets_from_sizes(sizes), edge_offsets)
    everything = torch.arange(count)
    dataset = GraphDataset(
        "NCI1", spec, store, everything, everything, everything, 0, spec.num_features, 2, store.digest()
    )
    return dataset.with_split(0)
