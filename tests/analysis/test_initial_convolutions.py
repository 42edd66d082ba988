"""Gaps by the number of initial convolutions."""

from __future__ import annotations

import pytest
from analysis.samples import runs_of

from rethinkpool_core.analysis.initial_convolutions import convolutions_of, gaps
from rethinkpool_core.experiments.cell import Cell


@pytest.fixture(scope="module")
def runs():
    means = {
        ("MINCUTPOOL", 1): 0.9,
        ("N-MINCUTPOOL", 1): 0.8,
        ("MINCUTPOOL", 2): 0.9,
        ("N-MINCUTPOOL", 2): 0.89,
        ("MINCUTPOOL", 3): 0.9,
    }
    return runs_of(
        *(
            (Cell(model, "SMNIST", {"initial_convolutions": number}), mean)
            for (model, number), mean in means.items()
        )
    )


def test_names_of_cells(runs):
    names = convolutions_of(runs)
    assert names[Cell("MINCUTPOOL", "SMNIST").digest] == "1 convolution", "which is the protocol's"
    assert names[Cell("MINCUTPOOL", "SMNIST", {"initial_convolutions": 3}).digest] == "3 convolutions"


def test_gaps_are_twin_minus_method_with_as_many_convolutions(runs):
    found = gaps(runs)
    assert sorted(found) == [1, 2], "the twin with three was not run"
    assert found[1].difference == pytest.approx(-10, abs=0.5) and found[2].difference == pytest.approx(
        -1, abs=0.5
    )
    assert {one.family_size for one in found.values()} == {2} and not found[1].paired
    assert gaps(runs[:0]) == {}
