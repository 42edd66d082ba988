"""The picture of a comparison while seeds come in."""

from __future__ import annotations

import pytest
from analysis.samples import by_seed, with_moments

from rethinkpool_core.analysis.equivalence import compare
from rethinkpool_core.figures.arriving import arriving_seeds


@pytest.fixture
def found():
    method, twin = with_moments(0.7, 0.02, 6, seed=1), with_moments(0.72, 0.02, 6, seed=2)
    return [
        compare(by_seed(method[:n]), by_seed(twin[:n]), paired=True, names=("DD", "M", "N-M"))
        for n in range(2, 7)
    ]


def test_differences_intervals_and_margin_are_drawn(found, drawn):
    arriving_seeds(found)
    calls = {name: arguments for name, arguments in drawn if name == "fill_between"}
    counts, lows, highs = calls["fill_between"]
    assert counts == [2, 3, 4, 5, 6]
    assert lows == [one.low for one in found] and highs == [one.high for one in found]
    line = next(arguments for name, arguments in drawn if name == "plot")
    assert line == ([2, 3, 4, 5, 6], [one.difference for one in found])


def test_only_the_first_seeds_are_drawn_on_the_same_axes(found, drawn):
    whole, part = arriving_seeds(found), arriving_seeds(found, shown=3)
    lines = [arguments[0] for name, arguments in drawn if name == "plot" and len(arguments) == 2]
    assert lines == [[2, 3, 4, 5, 6], [2, 3]]
    assert "after 2 to 6 seeds" in whole.caption and "after 2 to 3 seeds" in part.caption
    assert f"now {found[1].verdict}" in part.caption


def test_every_verdict_has_its_marker(found, drawn):
    arriving_seeds(found)
    marked = [x for name, arguments in drawn if name == "plot" and len(arguments) == 3 for x in arguments[0]]
    assert sorted(marked) == [2, 3, 4, 5, 6]
