"""Whether MINCUTPOOL's rows of S that are equal after the protocol's training are so after longer training, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rethinkpool_core.analysis.collapsed_assignments import orthogonality_in
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.grids import get_grid

if TYPE_CHECKING:
    import pandas as pd

GRID = "smoothness-longer"


@dataclass(frozen=True)
class LongerTraining:
    """One seed, trained by the protocol and longer.

    scored, last    number of the epoch that is scored and of the last epoch of the protocol, each with
                    `orthogonality_in` it; None without a run of the protocol
    longer          the same for the last epoch of the longer training
    """

    seed: int
    scored: tuple[int, float] | None
    last: tuple[int, float] | None
    longer: tuple[int, float]


def longer_training(runs: pd.DataFrame) -> list[LongerTraining]:
    """Return each seed of the grid ``smoothness-longer`` that has been run, in the order of the seeds.

    runs    rows of `load_results`
    """
    (cell,) = get_grid(GRID).cells
    kept = {"initial_convolutions": cell.parameters["initial_convolutions"]}
    protocol = runs[runs.cell == Cell(cell.model, cell.dataset, kept).digest].set_index("seed")
    found = []
    for run in runs[runs.cell == cell.digest].sort_values("seed").itertuples():
        scored = last = None
        if run.seed in protocol.index:
            short = protocol.loc[run.seed]
            scored, last = _at(short, short.best_epoch), _at(short, short.epochs)
        found.append(LongerTraining(run.seed, scored, last, _at(run, run.epochs)))
    return found


def _at(run: object, epoch: int) -> tuple[int, float]:
    return int(epoch), orthogonality_in(int(epoch), run.config, run.curves)
