"""Does reach explain why a second convolution closes MINCUTPOOL's gap on SMNIST? NO-POOL with as many convolutions tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rethinkpool_core.analysis.equivalence import ALPHA, Comparison, compare, holm_adjust
from rethinkpool_core.analysis.tables import CellScore, cell_scores, has_score
from rethinkpool_core.datasets.spec import get_spec
from rethinkpool_core.experiments.grids import get_grid

if TYPE_CHECKING:
    import pandas as pd

GRID = "reach"
METHOD, TWIN, CONTROL = MODELS = ("MINCUTPOOL", "N-MINCUTPOOL", "NO-POOL")
NUMBERS = (1, 2, 3)
"""Convolutions before the first pooling or, of NO-POOL, before the readout."""

Question = Literal["gap", "control", "gain"]


@dataclass(frozen=True)
class ReachTest:
    """A comparison of the experiment.

    question    ``"gap"``: the twin against the method; ``"control"``: the twin against NO-POOL; ``"gain"``: what a second
                convolution adds to the twin against what it adds to NO-POOL
    number      of convolutions; of ``"gain"`` the larger one
    """

    question: Question
    number: int
    comparison: Comparison


def reach_scores(runs: pd.DataFrame, dataset: str) -> dict[tuple[str, int], CellScore]:
    """Return the scores of the cells that have been run, by model and number of convolutions.

    runs    rows of `load_results`; others than those of the grid are left out
    """
    return {
        (score.model, int(score.settings)): score
        for score in cell_scores(_part(runs, dataset), _names())
        if score.mean is not None
    }


def reach_tests(runs: pd.DataFrame, dataset: str, alpha: float = ALPHA) -> list[ReachTest]:
    """Return the comparisons of which both sides have been run, adjusted after Holm as one family.

    A difference is the twin's score minus that of the method or of NO-POOL, in points.
    """
    part, names = _part(runs, dataset), _names()
    good = part[has_score(part)]
    by_cell = {
        (group.model.iloc[0], int(names[cell])): dict(zip(group.seed, group.test_score, strict=True))
        for cell, group in good.groupby("cell")
    }
    paired = get_spec(dataset).seed_draws_split
    asked: list[tuple[Question, int, str, dict, dict]] = []
    for number in NUMBERS:
        for question, other in (("gap", METHOD), ("control", CONTROL)):
            if {(other, number), (TWIN, number)} <= by_cell.keys():
                asked.append((question, number, other, by_cell[other, number], by_cell[TWIN, number]))
    gains = {model: _gain(by_cell, model, 2) for model in (CONTROL, TWIN)}
    if all(gains.values()):
        asked.append(("gain", 2, CONTROL, gains[CONTROL], gains[TWIN]))
    found = [
        compare(first, second, paired=paired, alpha=alpha, names=(dataset, other, TWIN))
        for _, _, other, first, second in asked
    ]
    return [
        ReachTest(question, number, one)
        for (question, number, *_), one in zip(asked, holm_adjust(found), strict=True)
    ]


def _gain(by_cell: dict[tuple[str, int], dict[int, float]], model: str, number: int) -> dict[int, float]:
    """What the convolution with this number adds to the score of each seed."""
    fewer, more = by_cell.get((model, number - 1), {}), by_cell.get((model, number), {})
    return {seed: more[seed] - fewer[seed] for seed in sorted(fewer.keys() & more.keys())}


def _names() -> dict[str, str]:
    """The number of convolutions of each cell of the grid, by its digest."""
    return {
        cell.digest: str(cell.parameters["num_layers" if cell.model == CONTROL else "initial_convolutions"])
        for cell in get_grid(GRID).cells
    }


def _part(runs: pd.DataFrame, dataset: str) -> pd.DataFrame:
    return get_grid(GRID).restricted(datasets=[dataset]).runs_in(runs)
