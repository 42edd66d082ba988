"""What each model was expected to see of RINGS-r, written down before any run, and what the runs of the grid found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from rethinkpool_core.analysis.equivalence import ALPHA, holm
from rethinkpool_core.analysis.tables import has_score
from rethinkpool_core.analysis.two_samples import is_constant
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.grids import get_grid
from rethinkpool_core.models.registry import model_order

if TYPE_CHECKING:
    import pandas as pd

DATE = "2026-11-26"
"""Day on which `expected` was written; there were no runs then."""

GRID = "rings"
EXPLAINED_GRID = "rings-explained"
TEST_GRAPHS = 200

Outcome = Literal["50 %", "chance", "above chance", "below chance"]
"""``"50 %"``: 50 % in every seed, up to one graph that rounding may decide. ``"chance"``: no test tells the mean from 50 %."""

_FIXED_CONVOLUTIONS = {"DIFFPOOL-V2": 3, "N-DIFFPOOL-V2": 3, "GMN": 2, "RANDOM-GMN": 2}


@dataclass(frozen=True)
class RingScore:
    """Accuracy of a cell of the grid over its seeds, in percent.

    convolutions    before the first pooling or, of NO-POOL, before the readout
    mean, std       over the seeds; None without runs, or of a single one
    p_chance        of the t test that the mean is 50 %, adjusted after Holm for all cells that have one
    outcome         what was found; None without at least two runs
    """

    model: str
    radius: int
    convolutions: int
    cell: str
    seeds: int = 0
    mean: float | None = None
    std: float | None = None
    p_chance: float | None = None
    outcome: Outcome | None = None

    @property
    def expected(self) -> Outcome:
        return expected(self.model, self.convolutions, self.radius)

    @property
    def as_expected(self) -> bool | None:
        """Whether the prediction came true; None without an outcome."""
        if self.outcome is None:
            return None
        return comes_true(self.expected, self.outcome)


def comes_true(expected: Outcome, found: Outcome) -> bool:
    """Return whether a prediction came true; a mean that is 50 % in every seed is also one at chance."""
    return found == expected or (expected, found) == ("chance", "50 %")


def convolutions_of(cell: Cell) -> int:
    """Return how many convolutions come before the first pooling of a cell, or before the readout of NO-POOL."""
    if cell.model in _FIXED_CONVOLUTIONS:
        return _FIXED_CONVOLUTIONS[cell.model]
    return cell.config["model"].get("num_layers" if cell.model == "NO-POOL" else "initial_convolutions", 2)


def is_blind(model: str, convolutions: int, radius: int) -> bool:
    """Return whether the network is proved to give both rings of every pair the same output (page "When pooling matters").

    All that it computes comes from sums over windows of at most 2 radius + 1 colours.
    """
    longest = {
        "NO-POOL": 2 * convolutions + 1,
        "GMN": 2 * convolutions + 1,  # S^T Q
        "MINCUTPOOL": 2 * convolutions + 2,  # S^T A S
        "DIFFPOOL-V2": 2 * convolutions + 2,
    }.get(model)
    return longest is not None and longest <= 2 * radius + 1


def expected(model: str, convolutions: int, radius: int) -> Outcome:
    """Return what was expected before any run; the reasons are on the page."""
    if is_blind(model, convolutions, radius):
        return "50 %"
    beyond = convolutions - radius  # how far the nodes see beyond the window, before anything is pooled
    sees = {
        "NO-POOL": beyond > 0,
        "GRACLUS": beyond >= -1,
        "COMPLEMENT": beyond >= 0,
        "MINCUTPOOL": beyond > 0 or (beyond == 0 and radius == 1),
        "N-MINCUTPOOL": beyond > 0,
        "DIFFPOOL-V2": beyond > 0,
        "N-DIFFPOOL-V2": beyond > 0,
        "GMN": beyond > 0,
        "RANDOM-GMN": beyond > 0,
    }[model]
    return "above chance" if sees else "chance"


def expected_of_twin(sum_input: bool) -> Outcome:
    """Return what was expected of N-DIFFPOOL-V2 on RINGS-1 and RINGS-2 once it was at chance on RINGS-2; reasons on the page."""
    return "above chance" if sum_input else "chance"


def expected_without_auxiliary_losses(radius: int) -> Outcome:
    """Return what was expected of MINCUTPOOL with c = r and no auxiliary losses, once it was at 50 % with them."""
    return "above chance" if radius == 1 else "chance"


def expected_with_one_pooling(convolutions: int, radius: int) -> Outcome:
    """Return what was expected of GRACLUS with one pooling layer, once it was above chance on RINGS-3 with c = 1.

    Its pairs see windows of 2 c + 2 colours; both ends of a lag need 2 radius + 2.
    """
    return "above chance" if convolutions >= radius else "chance"


def scores_with_one_pooling(runs: pd.DataFrame, alpha: float = ALPHA) -> list[RingScore]:
    """Return the cells of GRACLUS of the grid ``rings-explained`` with their scores, by number of convolutions."""
    return _scores(_explained("GRACLUS"), runs, alpha)


def scores_without_auxiliary_losses(runs: pd.DataFrame, alpha: float = ALPHA) -> dict[int, RingScore]:
    """Return the cells of MINCUTPOOL of the grid ``rings-explained`` with their scores, by radius."""
    return {score.radius: score for score in _scores(_explained("MINCUTPOOL"), runs, alpha)}


def _explained(model: str) -> list[Cell]:
    return [cell for cell in get_grid(EXPLAINED_GRID).cells if cell.model == model]


def twin_scores(runs: pd.DataFrame, alpha: float = ALPHA) -> dict[tuple[int, bool], RingScore]:
    """Return the cells of N-DIFFPOOL-V2 of the grid ``rings-explained`` with their scores, by radius and ``sum_input``."""
    cells = _explained("N-DIFFPOOL-V2")
    return {
        (score.radius, cell.config["model"]["sum_input"]): score
        for cell, score in zip(cells, _scores(cells, runs, alpha), strict=True)
    }


def ring_scores(runs: pd.DataFrame, alpha: float = ALPHA) -> list[RingScore]:
    """Return every cell of the grid with its scores, by model, radius and number of convolutions.

    runs    rows of `load_results`; others than those of the grid are left out
    """
    scores = _scores(get_grid(GRID).cells, runs, alpha)
    return sorted(scores, key=lambda one: (model_order(one.model), one.radius, one.convolutions))


def _scores(cells: Sequence[Cell], runs: pd.DataFrame, alpha: float) -> list[RingScore]:
    """Return the score of each cell, with p-values adjusted after Holm for all of them."""
    scores = [_score(cell, runs[runs.cell == cell.digest]) for cell in cells]
    adjusted = holm([score.p_chance for score in scores])
    return [
        replace(score, p_chance=p, outcome=score.outcome or _outcome(score, p, alpha))
        for score, p in zip(scores, adjusted, strict=True)
    ]


def _score(cell: Cell, runs: pd.DataFrame) -> RingScore:
    from scipy.stats import ttest_1samp

    empty = RingScore(cell.model, int(cell.spec.upstream), convolutions_of(cell), cell.digest)
    values = 100 * runs.test_score[has_score(runs)].to_numpy(dtype=float)
    if len(values) < 2:
        return replace(empty, seeds=len(values), mean=float(values[0]) if len(values) else None)
    found = replace(empty, seeds=len(values), mean=float(values.mean()), std=float(values.std(ddof=1)))
    if np.abs(values - 50).max() <= 100 / TEST_GRAPHS + 1e-9:
        return replace(found, outcome="50 %")
    if is_constant(values):
        return replace(found, outcome="above chance" if found.mean > 50 else "below chance")
    return replace(found, p_chance=float(ttest_1samp(values, 50).pvalue))


def _outcome(score: RingScore, p: float | None, alpha: float) -> Outcome | None:
    if p is None:
        return None
    if p >= alpha:
        return "chance"
    return "above chance" if score.mean > 50 else "below chance"
