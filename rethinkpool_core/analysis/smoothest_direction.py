r"""Where MINCUTPOOL's assignment does not leave equal rows: how smooth the node features are that its first layer sees.

Near equal rows both auxiliary losses are quadratic in the map W of :math:`S = \mathrm{softmax}(X W + \mathbf{1} b^\top)`.
Equal rows are a strict local minimum of their sum if :math:`\lambda > \tau`, and no minimum if :math:`\lambda < \tau` (page
"Collapsed assignments"). Averaged over graphs, with L the Laplacian, n nodes and centred features :math:`\bar X`,

.. math::
    \lambda = \min_w \frac{\langle w^\top X^\top L X w / \mathrm{tr}\, D \rangle}{\langle |\bar X w|^2 / n \rangle} , \qquad
    \tau = \frac{1}{\sqrt{2 K - 2 \sqrt{K}}} .
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from math import ceil, sqrt
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rethinkpool_core.errors import StorageError
from rethinkpool_core.files.atomic import write_file

if TYPE_CHECKING:
    from rethinkpool_core.datasets.dataset import GraphDataset

NUM_GRAPHS, SEEDS = 200, (1, 2, 3)
LEAST_VARIANCE = 1e-3
"""Principal directions of the features with less of the variance of the first are left out: the losses hardly move along them."""
CONVOLUTIONS = {"SMNIST": (1, 2, 3), "DIGITS": (1, 2, 3)} | dict.fromkeys(
    ("RINGS-1", "RINGS-2", "RINGS-3"), (1, 2, 3, 4)
)
"""Numbers of convolutions before the first pooling layer that are trained somewhere; one on the other datasets."""


@dataclass(frozen=True)
class Smoothness:
    """The smoothest direction of the features after so many convolutions of untrained models.

    clusters     K of the first pooling layer
    quotients    lambda per seed
    """

    dataset: str
    convolutions: int
    clusters: int
    quotients: tuple[float, ...]

    @property
    def mean(self) -> float:
        return sum(self.quotients) / len(self.quotients)

    @property
    def threshold(self) -> float:
        return threshold(self.clusters)

    @property
    def ratio(self) -> float:
        """lambda / tau; equal rows are a local minimum where it is above 1."""
        return self.mean / self.threshold


def threshold(num_clusters: int) -> float:
    r"""Return :math:`\tau = 1 / \sqrt{2 K - 2 \sqrt{K}}`; for a single cluster, whose rows are always equal, 0."""
    return 0.0 if num_clusters == 1 else 1 / sqrt(2 * num_clusters - 2 * sqrt(num_clusters))


def smoothest_quotient(features: Iterable[np.ndarray], edges: Iterable[np.ndarray]) -> float:
    """Return lambda of graphs that have an edge; others are left out.

    features    (n, D) per graph
    edges       (2, E) per graph, each undirected edge in both directions

    NaN if no graph's features vary.
    """
    rough, varied = 0.0, 0.0
    for X, (start, end) in zip(features, edges, strict=True):
        if len(start) == 0:
            continue
        difference, centred = X[start] - X[end], X - X.mean(0)
        rough = rough + difference.T @ difference / (2 * len(start))
        varied = varied + centred.T @ centred / len(X)
    values, vectors = np.linalg.eigh(np.atleast_2d(varied))
    kept = values > LEAST_VARIANCE * values[-1]
    if not kept.any():
        return float("nan")
    whitened = vectors[:, kept] / np.sqrt(values[kept])
    return float(np.linalg.eigvalsh(whitened.T @ rough @ whitened)[0])


def measure(dataset: GraphDataset, convolutions: int, seeds: Sequence[int] = SEEDS) -> Smoothness:
    """Measure untrained MINCUTPOOLs on the first ``NUM_GRAPHS`` training graphs of each seed, in double precision."""
    import torch

    from rethinkpool_core.batching.batch import BatchBuilder
    from rethinkpool_core.models.build import build_model
    from rethinkpool_core.models.trace import RecordedTrace

    builder = BatchBuilder(dataset, dtype=torch.float64)
    quotients = []
    for seed in seeds:
        model = build_model("MINCUTPOOL", dataset, seed=seed, initial_convolutions=convolutions).double()
        index = dataset.with_split(seed).train[:NUM_GRAPHS]
        index = index[dataset.store.num_nodes[index].argsort(stable=True)]  # the order in a batch
        layer = RecordedTrace()
        with torch.no_grad():
            graph = model.first(model.input_graph(builder(index), auxiliary=False)).relu()
            for conv in model.further:
                graph = conv(graph).relu()
            layer("before pooling", graph)
        before = layer.layers["before pooling"]
        features = [before.of_graph(number).numpy() for number in range(len(index))]
        edges = [dataset[graph].edge_index.numpy() for graph in index.tolist()]
        quotients.append(smoothest_quotient(features, edges))
    clusters = ceil(model.config.cluster_ratio * model.shape.max_nodes)
    return Smoothness(dataset.name, convolutions, clusters, tuple(quotients))


def write_smoothness(path: Path, found: Sequence[Smoothness]) -> None:
    """Write measurements as JSON. Raises StorageError."""
    write_file(path, (json.dumps([asdict(one) for one in found], indent=1) + "\n").encode())


def read_smoothness(path: Path) -> list[Smoothness]:
    """Inverse of `write_smoothness`. Raises StorageError for a file that cannot be read."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [Smoothness(**row | {"quotients": tuple(row["quotients"])}) for row in rows]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StorageError(
            f"{path} is no file of `rethinkpool results smoothness`: write it again"
        ) from error
