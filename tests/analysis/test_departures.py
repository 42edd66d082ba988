"""Departures of the release: their cells are those of the grid, and each effect is the other way minus the paper's."""

from __future__ import annotations

import pytest
from analysis.samples import runs_of

from rethinkpool_core.analysis.departures import departure_effects
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.departures import DEPARTURES
from rethinkpool_core.experiments.grids import get_grid


def test_every_way_is_trained_by_the_grid():
    trained = {cell.digest for cell in get_grid("released-code").cells}
    for one in DEPARTURES:
        for dataset in one.datasets:
            ways = {one.cell(dataset, value).digest for value in (one.paper, one.release)}
            assert len(ways) == 2 and ways <= trained


@pytest.mark.parametrize(
    "one", [one for one in DEPARTURES if one.number not in ("7",)], ids=lambda one: one.other
)
def test_the_papers_way_is_the_default(one):
    """Of all but DISTANCE-GMN, whose default is the release's."""
    for dataset in one.datasets:
        assert one.cell(dataset, one.paper).digest == Cell(one.model, dataset).digest


def test_effects_are_paired_by_seed_and_signed():
    departure = DEPARTURES[0]
    runs = runs_of(
        (departure.cell("PROTEINS", departure.paper), 0.75),
        (departure.cell("PROTEINS", departure.release), 0.70),
    )
    found = departure_effects(runs)
    (one,) = [effect for effect in found if effect.comparison is not None]
    assert (one.departure, one.dataset) == (departure, "PROTEINS")
    scores = runs.pivot(index="seed", columns="cell", values="test_score")
    paper, release = (
        departure.cell("PROTEINS", value).digest for value in (departure.paper, departure.release)
    )
    assert one.comparison.difference == pytest.approx(100 * (scores[release] - scores[paper]).mean())
    assert one.comparison.paired and one.comparison.verdict == "different"
    assert len(found) == sum(len(each.datasets) for each in DEPARTURES) and one.comparison.family_size == 1
