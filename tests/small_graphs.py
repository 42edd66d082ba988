"""Small named graphs, and stores and datasets made of them."""

from __future__ import annotations

import networkx as nx
import torch

from rethinkpool_core.datasets.dataset import GraphDataset
from rethinkpool_core.datasets.spec import get_spec
from rethinkpool_core.datasets.storage.store import GraphStore

# The atoms and bonds of caffeine without its hydrogens.
CAFFEINE = [
    (0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (6, 8), (8, 9), (8, 10), (10, 11), (10, 12), (12, 13),
    (5, 1), (12, 4),
]  # fmt: skip


def named_graphs() -> dict[str, nx.Graph]:
    """Among them whatever breaks pooling: no nodes, one node, no edges, two components, a clique, more nodes than clusters."""
    isolated = nx.Graph()
    isolated.add_nodes_from(range(4))
    caffeine = nx.Graph(CAFFEINE)
    return {
        "path": nx.path_graph(5),
        "star": nx.star_graph(6),
        "two components": nx.disjoint_union(nx.cycle_graph(4), nx.path_graph(3)),
        "no edges": isolated,
        "one node": nx.empty_graph(1),
        "clique": nx.complete_graph(6),
        "caffeine": caffeine,
        "petersen": nx.petersen_graph(),
        "no nodes": nx.empty_graph(0),
    }


def store_of(
    graphs: list[nx.Graph], features: int = 3, *, y=None, molecules: bool = False, seed: int = 0
) -> GraphStore:
    """Graphs (or digraphs) on nodes 0..n-1 with random features, packed."""
    from rethinkpool_core.ops.molecules import ATOM_DIMS, BOND_DIMS

    generator = torch.Generator().manual_seed(seed)
    edges, nodes = [], [graph.number_of_nodes() for graph in graphs]
    for graph in graphs:
        directed = graph if graph.is_directed() else graph.to_directed()
        edges.append(torch.tensor(sorted(directed.edges), dtype=torch.int16).reshape(-1, 2).T)
    total = sum(nodes)
    if molecules:
        x = torch.stack([torch.randint(size, (total,), generator=generator) for size in ATOM_DIMS], 1).to(
            torch.uint8
        )
        attr = []
        for part in edges:  # both directions of a bond have its features
            low, high = part.long().min(0).values, part.long().max(0).values
            attr.append(torch.stack([(low * 7 + high * 3 + k) % size for k, size in enumerate(BOND_DIMS)], 1))
        edge_attr = torch.cat(attr).to(torch.uint8)
    else:
        x, edge_attr = torch.randn(total, features, generator=generator), None
    y = torch.arange(len(graphs)) % 2 if y is None else y
    offsets = [torch.tensor([0, *sizes]).cumsum(0) for sizes in (nodes, [part.shape[1] for part in edges])]
    return GraphStore(x, torch.cat(edges, 1), edge_attr, y, *offsets)


def dataset_of(store: GraphStore, *, like: str = "DIGITS", num_classes: int = 2) -> GraphDataset:
    """All graphs in every part of the split."""
    everything = torch.arange(store.num_graphs)
    num_features = store.x.shape[1]
    return GraphDataset(
        like,
        get_spec(like),
        store,
        everything,
        everything,
        everything,
        0,
        num_features,
        num_classes,
        "made in a test",
    )


def input_graph(batch, x=None, mean_nodes: float | None = None):
    """The input graphs of a batch as models take them, with features ``x`` if given."""
    from rethinkpool_core.engine.graph import Graph

    graph = Graph.from_batch(batch, batch.num_rows / batch.num_graphs if mean_nodes is None else mean_nodes)
    return graph if x is None else graph.with_x(x)
