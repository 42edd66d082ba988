"""Predictions and findings on RINGS-r."""

from __future__ import annotations

import numpy as np
import pytest
from analysis.samples import runs_of
from scipy.stats import ttest_1samp

from rethinkpool_core.analysis.ring_predictions import (
    convolutions_of,
    expected,
    is_blind,
    ring_scores,
)
from rethinkpool_core.experiments.grids import get_grid

CELLS = {(cell.model, int(cell.dataset[-1]), convolutions_of(cell)): cell for cell in get_grid("rings").cells}
SEEDS = range(1, 11)


def runs(*cells, spread=0.02):
    return runs_of(*cells, seeds=SEEDS, spread=spread)


def score_of(frame, key):
    return next(one for one in ring_scores(frame) if (one.model, one.radius, one.convolutions) == key)


def test_every_cell_has_its_number_of_convolutions():
    assert len(CELLS) == len(get_grid("rings").cells)
    assert {key[2] for key in CELLS if key[0] == "MINCUTPOOL"} == {1, 2, 3, 4}
    assert {key[2] for key in CELLS if key[0] == "DIFFPOOL-V2"} == {3}


@pytest.mark.parametrize(("model", "blind"), [("NO-POOL", [1, 2, 3]), ("MINCUTPOOL", [1, 2])])
def test_blind_up_to(model, blind):
    assert [c for c in (1, 2, 3, 4) if is_blind(model, c, radius=3)] == blind
    assert all(expected(model, c, 3) == "50 %" for c in blind)


def test_nothing_is_proved_of_random_rows_and_matchings():
    for model in ("N-MINCUTPOOL", "RANDOM-GMN", "GRACLUS", "COMPLEMENT", "N-DIFFPOOL-V2"):
        assert not is_blind(model, 1, 3)


def test_without_runs_nothing_is_found():
    scores = ring_scores(runs((CELLS["GMN", 1, 2], 0.9)).iloc[:0])
    assert len(scores) == len(CELLS) and {one.outcome for one in scores} == {None}
    assert {one.as_expected for one in scores} == {None}


def test_a_mean_far_from_chance_is_above_and_one_near_is_chance():
    frame = runs((CELLS["NO-POOL", 1, 2], 0.9), (CELLS["N-MINCUTPOOL", 3, 1], 0.501))
    above, chance = score_of(frame, ("NO-POOL", 1, 2)), score_of(frame, ("N-MINCUTPOOL", 3, 1))
    assert (above.outcome, above.expected, above.as_expected) == ("above chance", "above chance", True)
    assert (chance.outcome, chance.as_expected) == ("chance", True)


def test_p_values_are_those_of_a_t_test_after_holm():
    frame = runs((CELLS["NO-POOL", 1, 2], 0.53), (CELLS["N-MINCUTPOOL", 3, 1], 0.515))
    p = [
        ttest_1samp(100 * part.test_score, 50).pvalue
        for _, part in sorted(frame.groupby("model"), key=lambda one: one[0], reverse=True)
    ]
    assert p[0] < p[1]
    assert score_of(frame, ("NO-POOL", 1, 2)).p_chance == pytest.approx(2 * p[0])
    assert score_of(frame, ("N-MINCUTPOOL", 3, 1)).p_chance == pytest.approx(max(2 * p[0], p[1]))


def test_half_in_every_seed_is_exact_up_to_one_graph():
    frame = runs((CELLS["NO-POOL", 3, 1], 0.5), spread=0)
    frame.loc[0, "test_score"] = 0.505
    found = score_of(frame, ("NO-POOL", 3, 1))
    assert (found.outcome, found.as_expected, found.p_chance) == ("50 %", True, None)
    frame.loc[0, "test_score"] = 0.51
    assert score_of(frame, ("NO-POOL", 3, 1)).as_expected is False


def test_failed_runs_are_left_out():
    frame = runs((CELLS["NO-POOL", 1, 2], 0.9))
    frame.loc[0, "error"] = "out of memory"
    found = score_of(frame, ("NO-POOL", 1, 2))
    assert found.seeds == 9 and found.mean == pytest.approx(100 * np.mean(frame.test_score[1:]))


@pytest.mark.parametrize("accuracy", [0.75, 0.07, 0.035])
def test_the_same_score_in_every_seed_is_not_tested(accuracy):
    """The standard deviation of ten times 3.5 is 5e-16, not 0; a t test of it divides by rounding."""
    key = ("GMN", 1, 2)
    found = score_of(runs((CELLS[key], 0.9)).assign(test_score=accuracy), key)
    assert found.p_chance is None and found.outcome == ("above chance" if accuracy > 0.5 else "below chance")
