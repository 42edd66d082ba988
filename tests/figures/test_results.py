"""The figures hold what they say, for whole tables and for the least there can be."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from analysis.samples import runs_of

from rethinkpool_core.analysis.tables import cell_scores, comparisons, settings_of
from rethinkpool_core.errors import UsageError
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.figures.results import curve_bands, forest_plot, score_strips


def of(calls, name):
    return [arguments for called, arguments in calls if called == name]


def texts(figure):
    return re.findall(r"<text[^>]*>([^<]*)</text>", figure.svg)


def test_forest_draws_the_numbers_of_each_comparison(runs, drawn):
    found = comparisons(runs)
    points, errors = forest_plot(found).figures
    assert of(drawn, "axvspan") == [(-1.0, 1.0), (-0.01, 0.01)]
    ordered = [one for one in found if one.metric != "mae"] + [one for one in found if one.metric == "mae"]
    assert [arguments[0] for arguments in of(drawn, "plot")] == [one.difference for one in ordered]
    lines = [arguments[1:] for arguments in of(drawn, "hlines")]
    assert lines == [
        ends for one in ordered for ends in (one.unadjusted.interval, one.unadjusted.tost_interval)
    ]
    assert "within 1 point" in points.caption and "within 0.01" in errors.caption
    assert "90 % interval (thick) and 95 % interval (thin)" in points.caption
    assert forest_plot([]).figures == []


def test_forest_names_pairs_datasets_verdicts_and_sides(runs):
    points, errors = (texts(figure) for figure in forest_plot(comparisons(runs)).figures)
    assert points.count("N-MINCUTPOOL minus MINCUTPOOL") == 1
    assert {"PROTEINS", "MOLHIV", "equivalent", "undecided", "points"} <= set(points)
    assert {"ZINC", "different", "target's unit"} <= set(errors) and "equivalent" not in errors
    assert "← twin worse" in points and "twin better →" in points
    assert "← twin better" in errors and "twin worse →" in errors


def test_strips_hold_every_seed_its_mean_and_the_published(runs, drawn):
    scores = cell_scores(runs)
    figures = score_strips(runs, scores).figures
    assert [figure.caption.partition(":")[0] for figure in figures] == ["ZINC", "PROTEINS", "MOLHIV"]
    assert all("20 seeds per model" in figure.caption and "published" in figure.caption for figure in figures)
    for score, (places, values), line, printed in zip(
        scores, of(drawn, "scatter"), of(drawn, "hlines"), of(drawn, "errorbar"), strict=True
    ):
        part = runs[runs.cell == score.cell].test_score.to_numpy()
        assert values == pytest.approx(np.sort(part if score.metric == "mae" else 100 * part))
        assert len(set(zip(places.tolist(), values.tolist(), strict=True))) == 20
        assert line[0] == score.mean and printed[1:] == (score.published.mean, score.published.std)


def test_strips_keep_configurations_apart(drawn):
    """Two cells of one model are two columns, each with its own seeds."""
    usual, other = Cell("MINCUTPOOL", "NCI1"), Cell("MINCUTPOOL", "NCI1", {"hidden_dim": 8})
    runs = runs_of((usual, 0.8), (other, 0.6))
    (figure,) = score_strips(runs, cell_scores(runs, settings_of(runs))).figures
    (_, first), (_, second) = of(drawn, "scatter")
    assert first.min() > second.max() and len(first) == len(second) == 20
    assert "hidden_dim=8" in figure.svg


def test_failed_runs_are_not_drawn(runs, drawn):
    broken = runs[runs.dataset == "PROTEINS"].copy()
    broken.loc[broken.seed <= 5, ["test_score", "error"]] = [math.nan, "no"]
    (figure,) = score_strips(broken, cell_scores(broken)).figures
    assert "15 seeds" in figure.caption and all(len(values) == 15 for _, values in of(drawn, "scatter"))
    assert "MINCUTPOOL, 15 seeds" in curve_bands(broken, "val_score", "accuracy").svg
    nothing = broken[broken.seed <= 5]
    assert score_strips(nothing, cell_scores(nothing)).figures == []


def curves(*lines, model="MINCUTPOOL"):
    runs = runs_of((Cell(model, "NCI1"), 0.7), seeds=range(1, len(lines) + 1))
    return runs.assign(curves=[{"val_score": list(line)} for line in lines])


def test_curves_are_of_the_seeds_still_training(drawn):
    runs = curves([1, 2, 3, 4], [3, 4, 5], [2, 6], [2])
    figure = curve_bands(runs, "val_score", "accuracy")
    ((epochs, mean),) = of(drawn, "plot")
    assert epochs.tolist() == [1, 2, 3], "two of four, which is half, still train at 3"
    assert mean.tolist() == [200, 400, 400], "in points"
    ((_, low, high),) = of(drawn, "fill_between")
    assert low == pytest.approx([100 * np.quantile(v, 0.1) for v in ([1, 3, 2, 2], [2, 4, 6], [3, 5])])
    assert high == pytest.approx([100 * np.quantile(v, 0.9) for v in ([1, 3, 2, 2], [2, 4, 6], [3, 5])])
    ((epochs, going),) = of(drawn, "step")
    assert epochs.tolist() == [1, 2, 3, 4] and going.tolist() == [4, 3, 2, 1]
    assert "MINCUTPOOL, 4 seeds" in figure.svg and "until half have stopped" in figure.caption


def test_a_value_that_is_none_is_left_out_and_its_seed_still_trains(drawn):
    runs = curves([1, math.nan, 3], [3, 4, 5])
    curve_bands(runs, "val_score", "accuracy")
    ((_, mean),), ((_, going),) = of(drawn, "plot"), of(drawn, "step")
    assert mean.tolist() == [200, 400, 400] and going.tolist() == [2, 2, 2]


def test_an_epoch_without_any_value_is_a_gap(drawn):
    curve_bands(curves([1, None, 3], [3, math.nan, 5]), "val_score", "accuracy")
    ((epochs, mean),) = of(drawn, "plot")
    assert epochs.tolist() == [1, 2, 3] and mean.tolist()[::2] == [200, 400] and math.isnan(mean[1])


def test_curves_that_cannot_be_drawn(runs):
    with pytest.raises(UsageError, match="choose one"):
        curve_bands(runs, "val_score", "accuracy")
    with pytest.raises(UsageError, match="'cut': there are val_score"):
        curve_bands(runs[runs.dataset == "PROTEINS"], "cut", "cut")


def test_a_curve_that_only_one_model_has(runs):
    part = runs[runs.dataset == "PROTEINS"].copy()
    part["curves"] = [
        own | ({"cut": [1.0]} if model == "MINCUTPOOL" else {})
        for own, model in zip(part.curves, part.model, strict=True)
    ]
    assert ">N-MINCUTPOOL" not in curve_bands(part, "cut", "cut").svg


def test_figures_of_a_single_seed():
    runs = runs_of((Cell("MINCUTPOOL", "NCI1"), 0.7), (Cell("N-MINCUTPOOL", "NCI1"), 0.6), seeds=[3])
    (figure,) = forest_plot(comparisons(runs)).figures
    assert "undecided" in figure.svg
    (strips,) = score_strips(runs, cell_scores(runs)).figures
    assert (
        strips.caption.startswith("NCI1: 1 seed per model") and curve_bands(runs, "val_score", "accuracy").svg
    )


def test_figures_take_the_colour_of_the_page(runs):
    """No colour that a light or a dark page would swallow: text, axes and the undecided are in the page's own."""
    part = runs[runs.dataset == "MOLHIV"]
    (figure,) = forest_plot(comparisons(part)).figures
    for svg in (
        figure.svg,
        score_strips(part, cell_scores(part)).figures[0].svg,
        curve_bands(part, "val_score", "AUC").svg,
    ):
        used = set(re.findall(r"(?:fill|stroke): ?(#[0-9a-f]{6})", svg))
        assert "currentColor" in svg and not used & {"#000000", "#ffffff"}
