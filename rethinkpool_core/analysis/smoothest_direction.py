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
from typing import TYPE_CHECKING, Any

import numpy as np

from rethinkpool_core.analysis.collapsed_assignments import METHOD, largest_orthogonality_loss
from rethinkpool_core.errors import StorageError
from rethinkpool_core.files.atomic import write_file

if TYPE_CHECKING:
    from torch import Tensor

    from rethinkpool_core.datasets.dataset import GraphDataset
    from rethinkpool_core.experiments.grids import Grid
    from rethinkpool_core.experiments.store import ResultStore
    from rethinkpool_core.models.base import PoolingModel

NUM_GRAPHS, SEEDS, BATCH_SIZE = 200, (1, 2, 3), 50
LEAST_VARIANCE = 1e-3
"""Principal directions of the features with less of the variance of the first are left out: the losses hardly move along them."""
CONVOLUTIONS = {"SMNIST": (1, 2, 3), "DIGITS": (1, 2, 3)} | dict.fromkeys(
    ("RINGS-1", "RINGS-2", "RINGS-3"), (1, 2, 3, 4)
)
"""Numbers of convolutions before the first pooling layer that are trained somewhere; one on the other datasets."""


@dataclass(frozen=True)
class Smoothness:
    """The smoothest direction of the features that the first pooling layer of MINCUTPOOL sees.

    clusters         K of this layer
    quotients        lambda per seed
    orthogonality    of trained models, per seed: the orthogonality loss of each pooling layer over these graphs, as a fraction of
                     its value for equal rows; empty for untrained models
    used_clusters    of trained models, per seed: 1 / (sum of squares of the mean row) of the first layer, averaged over these
                     graphs; K where it has equal entries, 1 where all nodes are in one cluster
    commits          commits at which these models were trained
    seeds            of the models, in the order of all these
    """

    dataset: str
    convolutions: int
    clusters: int
    quotients: tuple[float, ...]
    orthogonality: tuple[tuple[float, ...], ...] = ()
    used_clusters: tuple[float, ...] = ()
    commits: tuple[str, ...] = ()
    seeds: tuple[int, ...] = SEEDS

    @property
    def mean(self) -> float:
        return sum(self.quotients) / len(self.quotients)

    @property
    def ratios(self) -> tuple[float, ...]:
        """lambda / tau per seed."""
        return tuple(quotient / self.threshold for quotient in self.quotients)

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


def measure_all(root: str | None = None) -> list[Smoothness]:
    """Measure untrained MINCUTPOOLs on all datasets, with each number of `CONVOLUTIONS`."""
    from rethinkpool_core.datasets.dataset import load_dataset
    from rethinkpool_core.datasets.spec import DATASETS

    return [
        measure(dataset, convolutions)
        for name in DATASETS
        for dataset in [load_dataset(name, root=root)]
        for convolutions in CONVOLUTIONS.get(name, (1,))
    ]


def measure(dataset: GraphDataset, convolutions: int, seeds: Sequence[int] = SEEDS) -> Smoothness:
    """Measure untrained MINCUTPOOLs on the training graphs of each seed."""
    from rethinkpool_core.models.build import build_model

    models = [build_model(METHOD, dataset, seed=seed, initial_convolutions=convolutions) for seed in seeds]
    quotients = tuple(
        _quotient(model, dataset.with_split(seed)) for seed, model in zip(seeds, models, strict=True)
    )
    return Smoothness(dataset.name, convolutions, _num_clusters(models[0]), quotients, seeds=tuple(seeds))


def measure_trained(store: ResultStore, grid: Grid, root: str | None = None) -> list[Smoothness]:
    """Measure the trained MINCUTPOOLs of each cell of ``grid`` on the training graphs of their seeds.

    Raises UnknownNameError for a grid without a MINCUTPOOL, DataError as `stored_models` does.
    """
    from rethinkpool_core.analysis.stored_models import stored_models

    by_cell: dict[str, list[tuple]] = {}
    for one in stored_models(store, grid.restricted([METHOD]), root):
        row = (one, _quotient(one.model, one.dataset), *_of_assignments(one.model, one.dataset))
        by_cell.setdefault(one.cell.digest, []).append(row)
    found = []
    for rows in by_cell.values():
        trained, quotients, orthogonality, used_clusters = zip(*rows, strict=True)
        model = trained[0].model
        commits = {one.record.provenance.get("commit") for one in trained} - {None}
        found.append(
            Smoothness(
                trained[0].dataset.name,
                model.config.initial_convolutions,
                _num_clusters(model),
                quotients,
                orthogonality,
                used_clusters,
                tuple(sorted(commits)),
                tuple(one.record.seed for one in trained),
            )
        )
    return found


def _quotient(model: PoolingModel, dataset: GraphDataset) -> float:
    """Return lambda of the features of the first ``NUM_GRAPHS`` training graphs, in double precision."""
    import torch

    from rethinkpool_core.batching.batch import BatchBuilder
    from rethinkpool_core.models.trace import RecordedTrace

    model, index = model.double(), _graphs(dataset)
    layer = RecordedTrace()
    with torch.no_grad():
        batch = BatchBuilder(dataset, dtype=torch.float64)(index)
        graph = model.first(model.input_graph(batch, auxiliary=False)).relu()
        for conv in model.further:
            graph = conv(graph).relu()
        layer("before pooling", graph)
    before = layer.layers["before pooling"]
    features = [before.of_graph(number).numpy() for number in range(len(index))]
    edges = [dataset[graph].edge_index.numpy() for graph in index.tolist()]
    return smoothest_quotient(features, edges)


def _of_assignments(model: PoolingModel, dataset: GraphDataset) -> tuple[tuple[float, ...], float]:
    """Return ``orthogonality`` and ``used_clusters`` of `Smoothness` for one model, on the same graphs."""
    import torch

    from rethinkpool_core.batching.batch import BatchBuilder
    from rethinkpool_core.models.trace import RecordedTrace

    model, builder = model.double(), BatchBuilder(dataset, dtype=torch.float64)
    index, sums, used = _graphs(dataset), np.zeros(len(model.assign)), 0.0
    for part in index.split(BATCH_SIZE):
        trace = RecordedTrace()
        with torch.no_grad():
            losses = model.compute(model.input_graph(builder(part)), trace)[1]["orthogonality"]
            sums += [float(of_layer.sum()) for of_layer in losses]
        S = trace.layers["assignment 1"]
        used += sum(float(1 / S.of_graph(row).mean(0).square().sum()) for row in range(len(part)))
    largest = [
        largest_orthogonality_loss(trace.layers[f"assignment {number}"].values.shape[-1])
        for number in range(1, len(sums) + 1)
    ]
    return tuple((sums / largest / len(index)).tolist()), used / len(index)


def _graphs(dataset: GraphDataset) -> Tensor:
    """Return the first ``NUM_GRAPHS`` training graphs in the order in which a batch has them."""
    index = dataset.train[:NUM_GRAPHS]
    return index[dataset.store.num_nodes[index].argsort(stable=True)]


def _num_clusters(model: PoolingModel) -> int:
    return ceil(model.config.cluster_ratio * model.shape.max_nodes)


def write_smoothness(path: Path, found: Sequence[Smoothness]) -> None:
    """Write measurements as JSON. Raises StorageError."""
    write_file(path, (json.dumps([asdict(one) for one in found], indent=1) + "\n").encode())


def read_smoothness(path: Path) -> list[Smoothness]:
    """Inverse of `write_smoothness`. Raises StorageError for a file that cannot be read."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [Smoothness(**{key: _tuples(one) for key, one in row.items()}) for row in rows]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StorageError(
            f"{path} is no file of `rethinkpool results smoothness`: write it again"
        ) from error


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
