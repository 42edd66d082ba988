"""The forest plot of Table S5 holds the numbers of both, on one axis."""

from __future__ import annotations

import re

import pytest
from analysis.samples import runs_of
from matplotlib.axes import Axes

from rethinkpool_core.analysis.printed_pairs import printed_comparisons
from rethinkpool_core.analysis.tables import comparisons
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.figures.svg import as_file
from rethinkpool_core.figures.table_s5 import table_s5_forest, table_s5_picture


@pytest.fixture(scope="module")
def ours():
    cells = ("MINCUTPOOL", "PROTEINS", 0.74), ("MINCUTPOOL", "ZINC", 0.47)
    return comparisons(
        runs_of(
            *(
                (Cell(f"{letter}{model}", dataset), mean)
                for model, dataset, mean in cells
                for letter in ("", "N-")
            )
        )
    )


def calls_of(calls, name):
    return [arguments for called, arguments in calls if called == name]


def test_a_panel_per_method_and_a_row_per_dataset(ours, drawn):
    mincut, diffpool = table_s5_forest(ours, printed_comparisons()).figures
    assert mincut.svg.count("not run yet") == 6 and diffpool.svg.count("not run yet") == 8
    assert "N-MINCUTPOOL minus MINCUTPOOL" in mincut.svg and "N-DIFFPOOL-V2" in diffpool.caption
    heights = {round(y, 2) for _, y in calls_of(drawn, "plot")}
    assert len(heights) == 8 + 2


def test_errors_are_drawn_in_hundredths_with_better_to_the_right(ours, drawn):
    printed = [one for one in printed_comparisons() if one.comparison.dataset == "ZINC"]
    zinc = [one for one in ours if one.dataset == "ZINC"]
    table_s5_forest(zinc, printed)
    by_hand = [-100 * one.comparison.difference for one in printed]
    plotted = [x for x, _ in calls_of(drawn, "plot")]
    assert plotted == pytest.approx([by_hand[0], -100 * zinc[0].difference, by_hand[1]])


def test_caption_says_what_is_seen(ours):
    mincut, _ = table_s5_forest(ours, printed_comparisons()).figures
    assert "equivalent on" in mincut.caption and "not run here yet on NCI1, IMDB-B" in mincut.caption


def test_picture_has_both_panels_and_stands_alone(ours):
    svg = as_file(table_s5_picture(ours, printed_comparisons()))
    assert (
        svg.startswith("<?xml") and "N-DIFFPOOL-V2 minus DIFFPOOL-V2" in svg and "N-MINCUTPOOL minus" in svg
    )
    assert re.search(r'<svg [^>]*color="#1f2328"', svg) and 'style="width: 100%' not in svg


def test_a_difference_of_single_seeds_is_on_the_axis(monkeypatch):
    limits, original = {}, Axes.set_xlim

    def set_xlim(self, *ends, **options):
        limits[self] = original(self, *ends, **options)  # the last one stays
        return limits[self]

    monkeypatch.setattr(Axes, "set_xlim", set_xlim)
    cells = (Cell("MINCUTPOOL", "PROTEINS"), 0.5), (Cell("N-MINCUTPOOL", "PROTEINS"), 0.9)
    table_s5_forest(comparisons(runs_of(*cells, seeds=[1])), printed_comparisons())
    assert len(limits) == 2 and all(low < 39 < high for low, high in limits.values())


def test_the_legend_has_the_level_of_the_printed_intervals(ours):
    figure = table_s5_forest(ours, printed_comparisons(alpha=0.01)).figures[0]
    assert "as printed, 99 % interval" in figure.svg
