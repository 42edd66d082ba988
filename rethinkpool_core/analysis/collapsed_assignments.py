r"""Whether MINCUTPOOL's learned assignments have collapsed: whether all nodes have the same row of S.

The training curves say it without the weights. For rows of S that are not negative and sum to one,

.. math::
    -\frac{\mathrm{tr}(S^\top A S)}{\mathrm{tr}(S^\top D S)} \ge -1 , \qquad
    \left\| \frac{S^\top S}{\|S^\top S\|} - \frac{I}{\sqrt{K}} \right\| \le \sqrt{2 - 2 / \sqrt{K}} ,

with equality on the left only where neighbours have equal rows, and on the right only where all nodes have (page "Collapsed
assignments").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any

from rethinkpool_core.analysis.departures import compare_cells
from rethinkpool_core.analysis.equivalence import Comparison, holm_adjust
from rethinkpool_core.analysis.tables import has_score
from rethinkpool_core.datasets.spec import DATASETS
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.grids import get_grid

if TYPE_CHECKING:
    import pandas as pd

METHOD, TWIN = "MINCUTPOOL", "N-MINCUTPOOL"
ALONE_GRID = "auxiliary-losses"

EQUAL = 0.999
"""Fraction of the largest orthogonality loss from which on all rows are called equal."""


@dataclass(frozen=True)
class Collapse:
    """The auxiliary losses of the runs of a cell of MINCUTPOOL in the epoch that is scored, summed over the pooling layers.

    clusters         K of each pooling layer
    cut              mean over the seeds
    orthogonality    per seed, as a fraction of its value for equal rows, which is its largest
    """

    dataset: str
    convolutions: int
    clusters: tuple[int, ...]
    cut: float
    orthogonality: tuple[float, ...]

    @property
    def seeds(self) -> int:
        return len(self.orthogonality)

    @property
    def mean(self) -> float:
        return sum(self.orthogonality) / self.seeds

    @property
    def effective_clusters(self) -> float:
        r"""Effective number :math:`(\mathrm{tr}\, S^\top S)^2 / \|S^\top S\|^2` of clusters of the first layer.

        It is K for clusters of equal size that share no node and 1 for equal rows. The curves have the sum of the layers; here
        the loss of each is taken to be the same fraction of its largest value.
        """
        K = self.clusters[0]
        loss = self.mean * largest_orthogonality_loss(K)
        return K * (1 - loss**2 / 2) ** 2


def largest_orthogonality_loss(num_clusters: int) -> float:
    r"""Return :math:`\sqrt{2 - 2 / \sqrt{K}}`, the orthogonality loss of equal rows."""
    return sqrt(2 - 2 / sqrt(num_clusters))


def num_clusters(config: dict[str, Any]) -> tuple[int, ...]:
    """Return K of each pooling layer of a run of MINCUTPOOL, from the configuration in its record."""
    model, found = config["model"], [config["max_nodes"]]
    for _ in range(model["num_pool_layers"]):
        found.append(ceil(model["cluster_ratio"] * found[-1]))
    return tuple(found[1:])


def method_cells(grid: str) -> list[Cell]:
    """Return the cells of MINCUTPOOL in a grid, by dataset and number of convolutions."""
    order = list(DATASETS)
    return sorted(
        (cell for cell in get_grid(grid).cells if cell.model == METHOD),
        key=lambda cell: (order.index(cell.dataset), cell.config["model"]["initial_convolutions"]),
    )


def with_losses(cell: Cell) -> Cell:
    """Return the cell that differs from one of the grid ``auxiliary-losses`` in its auxiliary losses alone."""
    return Cell(
        cell.model,
        cell.dataset,
        {key: value for key, value in cell.parameters.items() if key != "auxiliary_weight"},
    )


def against_alone(runs: pd.DataFrame) -> list[Comparison]:
    """Compare MINCUTPOOL and its twin, each with MINCUTPOOL trained by the supervised loss alone, after Holm as one family.

    runs    rows of `load_results`
    """
    found = []
    for alone in method_cells(ALONE_GRID):
        for other in (with_losses(alone), Cell(TWIN, alone.dataset)):
            one = compare_cells(runs, other, alone, f"{METHOD}, auxiliary_weight=0")
            found += [] if one is None else [one]
    return holm_adjust(found)


def collapse(runs: pd.DataFrame, cells: Sequence[Cell]) -> list[Collapse]:
    """Return the losses of each cell of MINCUTPOOL that has runs with a score, in the order of the cells.

    runs    rows of `load_results`
    """
    scored = runs[has_score(runs)]
    parts = [scored[scored.cell == cell.digest] for cell in cells]
    return [_of_cell(part) for part in parts if len(part)]


def _of_cell(runs: pd.DataFrame) -> Collapse:
    config = runs.config.iloc[0]
    scored = list(zip(runs.curves, runs.best_epoch, strict=True))
    cut = [curves["cut"][epoch - 1] for curves, epoch in scored]
    return Collapse(
        runs.dataset.iloc[0],
        config["model"]["initial_convolutions"],
        num_clusters(config),
        sum(cut) / len(cut),
        tuple(orthogonality_in(epoch, config, curves) for curves, epoch in scored),
    )


def orthogonality_in(epoch: int, config: dict[str, Any], curves: dict[str, Sequence[float]]) -> float:
    """Return the orthogonality loss in an epoch of a run, summed over the pooling layers, as a fraction of its largest value."""
    return curves["orthogonality"][epoch - 1] / sum(map(largest_orthogonality_loss, num_clusters(config)))
