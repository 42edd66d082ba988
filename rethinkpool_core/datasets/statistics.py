"""The columns of Table S1, counted from the data."""

from __future__ import annotations

from rethinkpool_core.datasets.spec import DatasetSpec
from rethinkpool_core.datasets.storage.store import GraphStore


def statistics(
    store: GraphStore, spec: DatasetSpec, num_features: int, num_classes: int
) -> dict[str, int | float | None]:
    """Return the columns of Table S1, by the names of its CSV file and without rounding.

    ``num_node_labels`` counts what the row of the dataset counts: labels that occur (TU sets; 82 of DD's 89 columns),
    entries of the dictionary (ZINC, 28) or integer columns (MOLHIV, 9). ``num_node_features`` are continuous ones. Where the
    row counts undirected edges, a pair of opposite edges counts once.
    """
    graphs = store.num_graphs
    edges = store.edge_index.shape[1] / (2 if spec.edges_counted == "undirected" else 1)
    labels = {
        "occurring": lambda: int(store.x[:, 0].unique().numel()),
        "dictionary": lambda: num_features,
        "columns": lambda: store.x.shape[1],
        "none": lambda: None,
    }[spec.label_count]()
    return {
        "num_graphs": graphs,
        "num_classes": None if spec.task == "regression" else num_classes,
        "num_node_features": num_features if spec.features == "dense" else None,
        "num_node_labels": labels,
        "avg_nodes": store.x.shape[0] / graphs,
        "avg_edges": edges / graphs,
    }
