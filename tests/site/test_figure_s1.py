"""Figure S1 for pages: whatever runs and curves there are."""

from __future__ import annotations

import re

import numpy as np
import pytest
from analysis.test_key_updates import runs_on

from rethinkpool_core.analysis.key_updates import DISTANCE, PURITY, loss_differences
from rethinkpool_core.experiments.frame import load_results
from rethinkpool_core.experiments.grids import get_grid
from rethinkpool_core.site.figure_s1 import (
    GRID,
    curve_figures,
    differences_text,
    period_name,
    reached_table,
    size_table,
    size_text,
)
from rethinkpool_core.site.notebooks import project_folder


@pytest.fixture(scope="module")
def runs():
    found, _ = runs_on("IMDB-B")
    return found.assign(curves=[curves | {DISTANCE: [0.1, 0.1, 0.0484375, 0.2]} for curves in found.curves])


def rows(text: str) -> list[list[str]]:
    return [
        [cell.strip().replace("\u00a0", " ") for cell in line.strip("|").split("|")]
        for line in text.splitlines()[2:]
    ]


def test_reached(runs):
    table = rows(reached_table(runs, ["ZINC", "IMDB-B"]))
    assert [row[:3] for row in table[:3]] == [["`ZINC`", period_name(p), "not run yet"] for p in (2, 5, 0)]
    losses = [
        min(curves["val_loss"])
        for curves, config in zip(runs.curves, runs.config, strict=True)
        if config["model"]["purity_period"] == 2
    ]
    assert table[3][:3] == ["`IMDB-B`", "p = 2", "8"] and table[3][3].startswith(f"{sum(losses) / 8:.3f} ± ")
    assert table[3][4].endswith("(accuracy)")


def test_sizes(runs):
    table = rows(size_table(runs, ["IMDB-B"]))
    assert table[0][2:] == ["3.0e+00", "1.0e+00", "0.1", "0.048", "0.97"]
    without = runs.assign(curves=[{"val_loss": curves["val_loss"]} for curves in runs.curves])
    assert rows(size_table(without, ["IMDB-B"]))[0][2:5] == ["not recorded", "", ""]
    assert size_text(without, ["IMDB-B"]) == ""


def test_sizes_in_words(runs):
    lines = size_text(runs, ["ZINC", "IMDB-B"]).splitlines()
    assert len(lines) == 2, "not of keys that are never updated"
    assert "with its factor of 100, is 1.0e+02" in lines[0]
    assert "S is 5 % of the way from uniform" in lines[0], "0.0484375 of the 31/32 that 32 keys allow"


def test_only_curves_that_were_recorded_are_drawn(runs):
    assert len(curve_figures(runs).figures) == 3
    without = runs.assign(curves=[{"val_loss": curves["val_loss"]} for curves in runs.curves])
    assert len(curve_figures(without, ["val_loss", PURITY]).figures) == 1
    figure = curve_figures(runs, ["val_loss"]).figures[0]
    assert all(f"GMN, {name}, 8 seeds" in figure.svg for name in ("p = 2", "p = 5", "never"))


def test_differences_in_words(runs):
    text = differences_text(runs, ["ZINC", "IMDB-B"])
    assert (
        text.count("\n") == 2
        and "p = 2 against p = 5: +0." in text
        and text.splitlines()[0].endswith("higher.")
    )
    assert differences_text(runs[:0], ["IMDB-B"]) == "There are no runs to compare yet.\n"


def test_differences_are_adjusted_for_their_number():
    """Holm's p-values, computed here by hand."""
    committed = load_results(
        project_folder() / "results", cells=[cell.digest for cell in get_grid(GRID).cells]
    )
    text = differences_text(committed, ["ZINC", "IMDB-B"])
    shown = [float(p) for p in re.findall(r"p (\d\.\d+)", text)]
    alone = [
        float(one.tests.p_difference)
        for dataset in ("ZINC", "IMDB-B")
        for one in loss_differences(committed, dataset)
    ]
    order = np.argsort(alone)
    expected, largest = np.empty(len(alone)), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, (len(alone) - rank) * alone[place])
        expected[place] = min(1.0, largest)
    assert shown == pytest.approx(expected, abs=0.0006)
    assert [line.endswith("no difference shown.") for line in text.splitlines()] == [
        p >= 0.05 for p in expected
    ]


def test_of_runs_that_all_failed_nothing_is_drawn(runs):
    assert curve_figures(runs.assign(error="out of memory")).figures == []
