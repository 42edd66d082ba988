"""Counts of a dataset: Table S1's columns and histograms, kept in a file so that they can be shown without the data.

``results/dataset-statistics.json`` holds the counts of all named datasets with the checksum of the data they were counted from;
``rethinkpool data count`` writes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from math import fsum, sqrt
from pathlib import Path
from typing import TYPE_CHECKING

from rethinkpool_core.datasets.spec import DatasetSpec, get_spec
from rethinkpool_core.errors import DataError
from rethinkpool_core.files.atomic import write_file
from rethinkpool_core.files.folders import clone_folder

if TYPE_CHECKING:
    from torch import Tensor

    from rethinkpool_core.datasets.dataset import GraphDataset
    from rethinkpool_core.datasets.storage.store import GraphStore

FILE = "dataset-statistics.json"
Histogram = Mapping[int, int]
"""How often each value occurs, in ascending order of the values."""


@dataclass(frozen=True)
class DatasetCounts:
    """Counts of one dataset.

    checksum      digest of the data, as in `GraphDataset`
    num_features  width of the encoded node features, or number of integer columns
    num_classes   number of outputs of a model, as in `GraphDataset`
    statistics    the columns of Table S1, not rounded, see `datasets.statistics`
    split         number of graphs in ``train``, ``val`` and ``test``
    no_edges      number of graphs without an edge
    constant      recorded score of the best constant prediction over all graphs: the share of the largest class, 0.5 for ROC-AUC,
                  or the mean absolute distance of the targets from their median
    one_cluster_link
                  mean over the graphs of DIFFPOOL's link loss where all nodes are in one cluster: the root of the number of pairs
                  of nodes that no edge joins, each node with itself among them, over the squared number of nodes
    sizes         histogram of the number of nodes per graph
    degrees       histogram of the in-degree of the nodes of all graphs
    """

    name: str
    checksum: str
    num_features: int
    num_classes: int
    statistics: Mapping[str, int | float | None]
    split: Mapping[str, int]
    no_edges: int
    constant: float
    one_cluster_link: float
    sizes: Histogram
    degrees: Histogram

    @property
    def spec(self) -> DatasetSpec:
        """Spec of the dataset; a set of TU Dortmund without classes is a regression, which its name cannot tell."""
        spec = get_spec(self.name)
        if self.statistics["num_classes"] is None:
            return replace(spec, task="regression", metric="mae")
        return spec

    @property
    def max_nodes(self) -> int:
        """Number of nodes of the largest graph."""
        return max(self.sizes)

    @property
    def mean_nodes(self) -> float:
        return float(self.statistics["avg_nodes"])

    @cached_property
    def median_nodes(self) -> int:
        """Number of nodes of the graph in the middle, the smaller one of two."""
        half, seen = (sum(self.sizes.values()) + 1) // 2, 0
        for size, graphs in self.sizes.items():
            seen += graphs
            if seen >= half:
                return size
        raise DataError(
            f"the counts of {self.name} have no sizes: count it again with 'rethinkpool data count'"
        )

    def share_below(self, nodes: int) -> float:
        """Return the share of the graphs that have fewer than ``nodes`` nodes."""
        below = sum(graphs for size, graphs in self.sizes.items() if size < nodes)
        return below / sum(self.sizes.values())


def count_dataset(dataset: GraphDataset) -> DatasetCounts:
    """Return the counts of a loaded dataset."""
    import torch

    store = dataset.store
    first = store.node_offsets[:-1].repeat_interleave(store.num_edges)
    degrees = torch.bincount(store.edge_index[1].long() + first, minlength=len(store.x))
    return DatasetCounts(
        name=dataset.name,
        checksum=dataset.checksum,
        num_features=dataset.num_features,
        num_classes=dataset.num_classes,
        statistics=dataset.statistics(),
        split={part: len(getattr(dataset, part)) for part in ("train", "val", "test")},
        no_edges=int((store.num_edges == 0).sum()),
        constant=_constant_score(dataset.spec.metric, store.y),
        one_cluster_link=_one_cluster_link(store),
        sizes=_histogram(store.num_nodes),
        degrees=_histogram(degrees),
    )


def _histogram(values: Tensor) -> dict[int, int]:
    found, counts = values.unique(return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def _one_cluster_link(store: GraphStore) -> float:
    # Summed exactly, so that the committed counts are the same number on every machine.
    losses = (
        sqrt(nodes * nodes - edges) / (nodes * nodes)
        for nodes, edges in zip(store.num_nodes.tolist(), store.num_edges.tolist(), strict=True)
        if nodes
    )
    return fsum(losses) / store.num_graphs


def _constant_score(metric: str, y: Tensor) -> float:
    if metric == "mae":
        return float((y.double() - y.double().median()).abs().mean())
    return 0.5 if metric == "rocauc" else int(y.bincount().max()) / len(y)


def counts_file() -> Path:
    """Return the file of committed counts in this clone.

    Raises DataError where there is no clone: the installed package has no results.
    """
    folder = clone_folder()
    if folder is None:
        raise DataError(f"results/{FILE} is not here: run this inside a clone of the repository")
    return folder / "results" / FILE


def read_counts(path: Path | None = None) -> dict[str, DatasetCounts]:
    """Return counts by name of the dataset, from ``path`` or from the committed file.

    Raises DataError if the file is missing or not one that `write_counts` wrote.
    """
    path = counts_file() if path is None else path
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {name: _from_json(name, values) for name, values in found.items()}
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"the counts of the datasets in {path} cannot be read ({reason}): write them with 'rethinkpool data count'"
        ) from None


def _from_json(name: str, values: dict) -> DatasetCounts:
    histograms = {key: {int(k): v for k, v in values[key].items()} for key in ("sizes", "degrees")}
    return DatasetCounts(name=name, **{**values, **histograms})


def write_counts(counts: Mapping[str, DatasetCounts], path: Path) -> None:
    """Write counts as JSON, one line per field, in alphabetical order of the datasets (raises StorageError)."""
    names = [field.name for field in fields(DatasetCounts) if field.name != "name"]
    blocks = []
    for name in sorted(counts):
        values = asdict(counts[name])
        lines = [f"  {json.dumps(key)}: {json.dumps(values[key])}" for key in names]
        blocks.append(f" {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n }")
    write_file(path, ("{\n" + ",\n".join(blocks) + "\n}\n").encode())
