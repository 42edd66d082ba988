r"""What clusters DIFFPOOL-V2 has learned, as far as its training curves tell.

The entropy loss is 0 where every node belongs to one cluster alone. Then :math:`S S^\top` has a 1 for each two nodes of the same
cluster, and :math:`n^2` times the link loss is the root of the number of pairs at which it differs from A. With all nodes of a
graph in one cluster these are the pairs that no edge joins (`DatasetCounts.one_cluster_link`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Any

from rethinkpool_core.analysis.tables import has_score
from rethinkpool_core.experiments.grids import get_grid

if TYPE_CHECKING:
    import pandas as pd

    from rethinkpool_core.datasets.counts import DatasetCounts

METHOD = "DIFFPOOL-V2"


@dataclass(frozen=True)
class HardAssignment:
    """The auxiliary losses of the runs of a cell of DIFFPOOL-V2 in the epoch that is scored, per seed.

    clusters    K of each pooling layer
    entropy     as a fraction of its largest value, that of rows with equal entries
    link        as a fraction of its value for one cluster; None with more than one pooling layer, whose losses the curves sum
    """

    dataset: str
    clusters: tuple[int, ...]
    entropy: tuple[float, ...]
    link: tuple[float, ...] | None

    @property
    def seeds(self) -> int:
        return len(self.entropy)

    @property
    def effective_clusters(self) -> float | None:
        r"""Number of clusters of equal size that would give the mean link loss in a graph with few edges; None without one.

        Such m clusters have :math:`n^2 / m` pairs of nodes in common, so the loss is :math:`1 / \sqrt{m}` of that of one.
        """
        return None if self.link is None else (self.seeds / sum(self.link)) ** 2


def num_clusters(config: Mapping[str, Any]) -> tuple[int, ...]:
    """Return K of each pooling layer of a run of DIFFPOOL-V2, from the configuration in its record."""
    from rethinkpool_core.models.diffpool import DiffPoolConfig, cluster_numbers

    layers = cluster_numbers(DiffPoolConfig(**config["model"]), config["max_nodes"])
    return tuple(clusters for _, clusters in layers)


def hard_assignments(
    runs: pd.DataFrame, grid: str, counts: Mapping[str, DatasetCounts]
) -> list[HardAssignment]:
    """Return the losses of each cell of DIFFPOOL-V2 in a grid that has runs with a score, in the order of the grid.

    runs      rows of `load_results`
    counts    of the datasets, as `read_counts` returns them
    """
    scored, found = runs[has_score(runs)], []
    for cell in get_grid(grid).restricted([METHOD]).cells:
        part = scored[scored.cell == cell.digest].sort_values("seed")
        if len(part):
            found.append(_of_cell(part, counts[cell.dataset].one_cluster_link))
    return found


def _of_cell(runs: pd.DataFrame, one_cluster: float) -> HardAssignment:
    config, scored = runs.config.iloc[0], list(zip(runs.curves, runs.best_epoch, strict=True))
    clusters = num_clusters(config)
    largest = sum(map(log, clusters))  # in nats, of rows with equal entries
    single = len(clusters) == 1
    return HardAssignment(
        runs.dataset.iloc[0],
        clusters,
        tuple(curves["entropy"][epoch - 1] / largest for curves, epoch in scored),
        tuple(curves["link"][epoch - 1] / one_cluster for curves, epoch in scored) if single else None,
    )
