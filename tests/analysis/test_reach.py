"""The experiment on reach: which cells are compared, and what is said of the twin."""

from __future__ import annotations

import numpy as np
import pytest
from analysis.samples import runs_of
from scipy.stats import ttest_rel

from rethinkpool_core.analysis.reach import reach_scores, reach_tests
from rethinkpool_core.experiments.grids import get_grid
from rethinkpool_core.site.reach import EXPECTED, outcome, questions_table, readings_text, scores_table

CELLS = {
    (cell.model, cell.dataset, next(iter(cell.parameters.values()))): cell for cell in get_grid("reach").cells
}
MEANS = {"MINCUTPOOL": (0.9, 0.9, 0.9), "N-MINCUTPOOL": (0.8, 0.9, 0.95), "NO-POOL": (0.8, 0.85, 0.9)}


def made(means=MEANS, dataset="DIGITS"):
    return runs_of(
        *(
            (CELLS[model, dataset, number], mean)
            for model in means
            for number, mean in enumerate(means[model], 1)
        )
    )


@pytest.fixture(scope="module")
def runs():
    return made()


def scores_of(runs, model, number):
    part = runs[runs.cell == CELLS[model, "DIGITS", number].digest]
    return part.sort_values("seed").test_score.to_numpy()


def test_scores_by_model_and_number(runs):
    assert reach_scores(runs, "SMNIST") == {}
    found = reach_scores(runs, "DIGITS")
    assert len(found) == 9
    assert found["NO-POOL", 2].mean == pytest.approx(100 * scores_of(runs, "NO-POOL", 2).mean())


def test_all_questions_are_asked_once_in_one_family(runs):
    found = reach_tests(runs, "DIGITS")
    assert {(one.question, one.number) for one in found} == set(EXPECTED) and len(found) == len(EXPECTED)
    assert {one.comparison.family_size for one in found} == {len(EXPECTED)}
    assert all(one.comparison.twin == "N-MINCUTPOOL" and one.comparison.paired for one in found)


def test_differences_are_those_of_the_twin(runs):
    found = {(one.question, one.number): one.comparison for one in reach_tests(runs, "DIGITS")}
    twin = [scores_of(runs, "N-MINCUTPOOL", number) for number in (1, 2)]
    control = [scores_of(runs, "NO-POOL", number) for number in (1, 2)]
    gains = twin[1] - twin[0], control[1] - control[0]
    assert found["gain", 2].difference == pytest.approx(100 * np.mean(gains[0] - gains[1]))
    assert found["gain", 2].unadjusted.p_difference == pytest.approx(ttest_rel(*gains).pvalue)
    assert found["gap", 1].difference == pytest.approx(
        100 * np.mean(twin[0] - scores_of(runs, "MINCUTPOOL", 1))
    )
    assert found["control", 1].difference == pytest.approx(100 * np.mean(twin[0] - control[0]))


def test_what_is_said_of_the_twin(runs):
    said = {(one.question, one.number): outcome(one) for one in reach_tests(runs, "DIGITS")}
    assert said == {
        ("gap", 1): "worse", ("gap", 2): "no worse", ("gap", 3): "better",
        ("control", 1): "no worse", ("control", 2): "better", ("control", 3): "better",
        ("gain", 2): "more",
    }  # fmt: skip


def test_predictions_are_counted_for_both_readings(runs):
    reach, smoothness = readings_text(runs, "DIGITS").splitlines()
    assert reach == (
        "- If it is reach: 6 of the 7 predictions that these seeds decide came true. "
        "Wrong: gains from a second convolution, against `NO-POOL`: expected *as much*, found *more*."
    )
    assert smoothness == (
        "- If it is smoothness: 6 of the 7 predictions that these seeds decide came true. "
        "Wrong: with 1 convolution, against `NO-POOL`: expected *worse*, found *no worse*."
    )
    assert readings_text(runs, "SMNIST") == ""


def test_smnist_seeds_share_a_split_and_are_not_paired():
    assert not any(one.comparison.paired for one in reach_tests(made(dataset="SMNIST"), "SMNIST"))


def test_what_has_not_been_run_is_said(runs):
    assert scores_table(runs, "SMNIST").count("not\u00a0run\u00a0yet") == 9
    assert questions_table(runs, "SMNIST").count("not\u00a0run\u00a0yet") == len(EXPECTED)
    without_control = runs[runs.model != "NO-POOL"]
    assert {one.question for one in reach_tests(without_control, "DIGITS")} == {"gap"}
    assert scores_table(without_control, "DIGITS").count("not\u00a0run\u00a0yet") == 3
