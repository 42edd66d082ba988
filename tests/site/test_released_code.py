"""Tables of the page on the released code."""

from __future__ import annotations

import pandas as pd
import pytest
from analysis.samples import runs_of

from rethinkpool_core import load_dataset
from rethinkpool_core.analysis.departures import departure_effects
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.departures import DEPARTURES
from rethinkpool_core.site.released_code import (
    compared_runs,
    constants_table,
    effects_table,
    missing_text,
)


@pytest.fixture(scope="module")
def effects():
    one = DEPARTURES[0]
    return departure_effects(
        runs_of((one.cell("NCI1", one.paper), 0.75), (one.cell("NCI1", one.release), 0.70))
    )


def test_a_row_per_departure_and_dataset(effects):
    rows = effects_table(effects).splitlines()[2:]
    assert len(rows) == sum(len(one.datasets) for one in DEPARTURES) == 23
    assert rows[0].startswith("| 1 | `N-MINCUTPOOL` | `random_assignment=uniform` | `NCI1` | -5")
    assert rows[0].endswith("| 20 | different |")
    assert all(row.replace("\u00a0", " ").endswith("| not run yet |  |  |") for row in rows[1:])


def test_the_runs_of_a_paired_comparison_are_those_of_shared_seeds():
    """Thirty seeds of one way and twenty of the other are compared over twenty; a model of no comparison is left out."""
    one = DEPARTURES[0]
    runs = pd.concat(
        [
            runs_of(
                (one.cell("NCI1", one.paper), 0.75), (Cell("MINCUTPOOL", "NCI1"), 0.75), seeds=range(1, 31)
            ),
            runs_of((one.cell("NCI1", one.release), 0.70), seeds=range(1, 21)),
        ]
    )
    shown = compared_runs(runs, departure_effects(runs))
    assert sorted(zip(shown.cell, shown.seed, strict=True)) == sorted(
        (one.cell("NCI1", way).digest, seed) for way in (one.paper, one.release) for seed in range(1, 21)
    )
    assert compared_runs(runs, []).empty


def test_what_is_missing_comes_with_its_command(effects):
    text = missing_text(effects)
    assert "- `rethinkpool grid released-code --dataset ZINC`\n" in text and "`DISTANCE-GMN`" in text
    assert missing_text(effects[:1]) == ""
    nothing = departure_effects(runs_of((DEPARTURES[0].cell("NCI1", "normal"), 0.7)))
    assert missing_text(nothing).count("`rethinkpool grid released-code --dataset") == 4


def test_constants_have_a_row_per_way(tmp_path):
    rows = constants_table(load_dataset("DIGITS", tmp_path), graphs=5, seeds=2).splitlines()[2:]
    assert [row.split("|")[1:3] for row in rows] == [
        [f" {norm} ", f" {precision} "] for norm in ("batch", "running") for precision in ("double", "single")
    ]
