"""The plan of seeds, with the spread of the first seeds only."""

from __future__ import annotations

import pandas as pd
import pytest
from analysis.samples import runs_of
from pytest import approx

from rethinkpool_core.analysis.equivalence_power import equivalence_power
from rethinkpool_core.analysis.seed_plan import PILOT_SEEDS, PLAN, planned_power
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.paper import published


@pytest.fixture(scope="module")
def many():
    """PROTEINS with forty seeds, of which the first twenty scatter less."""
    cells = (Cell("MINCUTPOOL", "PROTEINS"), 0.74), (Cell("N-MINCUTPOOL", "PROTEINS"), 0.74)
    return pd.concat([runs_of(*cells, seeds=range(1, 21)), runs_of(*cells, seeds=range(21, 41), spread=0.2)])


def of(found, dataset, method):
    return next(one for one in found if (one.pair.dataset, one.pair.method) == (dataset, method))


def test_the_numbers_of_seeds_were_fixed_before_the_runs():
    seeds = {(pair.dataset, pair.method): pair.seeds for pair in PLAN}
    assert seeds["IMDB-B", "MINCUTPOOL"] == seeds["IMDB-B", "DIFFPOOL-V2"] == 200
    assert (seeds["PROTEINS", "MINCUTPOOL"], seeds["PROTEINS", "DIFFPOOL-V2"]) == (60, 200)
    assert seeds["NCI1", "MINCUTPOOL"] == seeds["NCI1", "DIFFPOOL-V2"] == 100
    assert seeds["NCI109", "MINCUTPOOL"] == seeds["NCI109", "DIFFPOOL-V2"] == 20


def test_later_seeds_do_not_change_the_plan(many):
    early = many[many.seed <= PILOT_SEEDS]
    assert planned_power(many) == planned_power(early)
    one = of(planned_power(many), "PROTEINS", "MINCUTPOOL")
    scores = early.pivot(index="seed", columns="model", values="test_score")
    std = 100 * (scores["N-MINCUTPOOL"] - scores["MINCUTPOOL"]).std()
    assert one.measured and one.std == approx(std)
    assert one.alone == approx(equivalence_power(std / 60**0.5, 59, 1.0))
    assert one.first_of_all == approx(equivalence_power(std / 60**0.5, 59, 1.0, comparisons=8))


def test_without_runs_the_printed_deviations_stand_in(many):
    one = of(planned_power(many), "NCI109", "DIFFPOOL-V2")
    stds = [published("S5", model, "NCI109").std for model in ("DIFFPOOL-V2", "N-DIFFPOOL-V2")]
    assert not one.measured and one.std == approx((stds[0] ** 2 + stds[1] ** 2) ** 0.5)
    assert one.first_of_all < one.alone < 0.5 < one.margin_80
