"""What the page "When pooling matters" says with and without runs."""

from __future__ import annotations

import pytest
from analysis.samples import runs_of

from rethinkpool_core.analysis.ring_predictions import convolutions_of, ring_scores
from rethinkpool_core.experiments.grids import get_grid
from rethinkpool_core.site.rings_explained import (
    adjacency_text,
    alone_table,
    longer_text,
    one_pooling_table,
    twin_text,
)
from rethinkpool_core.site.when_pooling_matters import (
    agreement_table,
    divided_text,
    expected_table,
    figure,
    found_table,
    found_text,
    missing_text,
    power_text,
    ring_comparisons,
    rings_line,
    verdicts_text,
    write_when_pooling_matters,
)

CELLS = {(cell.model, int(cell.dataset[-1]), convolutions_of(cell)): cell for cell in get_grid("rings").cells}


@pytest.fixture(scope="module")
def runs():
    """Method and twin part where MINCUTPOOL with c = r is right against expectation; NO-POOL is at 50 % there."""
    return runs_of(
        (CELLS["MINCUTPOOL", 2, 2], 0.8),
        (CELLS["N-MINCUTPOOL", 2, 2], 0.5),
        (CELLS["NO-POOL", 2, 2], 0.5),
        seeds=range(1, 11),
    )


@pytest.fixture(scope="module")
def none(runs):
    return runs.iloc[:0]


def row_of(table, model, radius):
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    return next(row for row in rows if row[:2] == [f"`{model}`", str(radius)])


def test_without_runs_every_part_says_so(none):
    scores = ring_scores(none)
    assert found_text(scores) == "No cell of the grid has been run yet.\n"
    assert missing_text(scores).count("rethinkpool grid rings --dataset RINGS-") == 3
    assert "once `rethinkpool grid rings` has been run" in figure(scores)
    assert "not run yet" in found_table(scores).replace("\u00a0", " ")
    assert "No method" in verdicts_text([]) and "once there are runs" in power_text([], scores)


def test_predictions_stand_where_their_cells_are():
    table = expected_table()
    assert row_of(table, "NO-POOL", 2)[2:] == ["50 %", "50 %", "above chance", "above chance"]
    assert row_of(table, "GMN", 2)[2:] == ["", "50 %", "", ""]


def test_a_wrong_prediction_is_bold_and_listed(runs):
    scores = ring_scores(runs)
    assert row_of(found_table(scores).replace("\u00a0", " "), "MINCUTPOOL", 2)[3].startswith("**79.7 ± ")
    text = found_text(scores)
    assert "`MINCUTPOOL` on `RINGS-2` with c = 2: expected chance, found above chance" in text
    assert "1 of 3 predictions came true" in text or "2 of 3 predictions came true" in text
    assert f"{len(CELLS) - 3} cells have not been run yet" in text


def test_cells_with_fewer_seeds_than_planned_are_named(runs):
    assert "has 4 of 10 seeds" not in found_text(ring_scores(runs))
    few = runs[(runs.seed <= 4) | (runs.model != "NO-POOL")]
    assert "`NO-POOL` on `RINGS-2` with c = 2 has 4 of 10 seeds" in found_text(ring_scores(few))


def test_cells_of_which_some_seeds_learn_are_listed(runs):
    divided = runs.copy()
    divided.loc[divided.model == "NO-POOL", "test_score"] = [0.5] * 6 + [0.75] + [0.9] * 3
    text = divided_text(ring_scores(divided), divided)
    assert text.endswith(
        "- `NO-POOL` on `RINGS-2` with c = 2: 3 of 10 seeds have at least 90 % of the test graphs right, 6 less than 60 %\n"
    )
    assert divided_text(ring_scores(runs), runs) == ""


def test_verdict_and_power_where_a_difference_is_known(runs):
    found = ring_comparisons(runs)
    assert "| different |" in verdicts_text(found)
    assert 'Such pairs: 1. With the verdict "different": 1.' in power_text(found, ring_scores(runs))


def test_the_line_of_the_landing_page_names_the_largest_difference(runs, none):
    line = rings_line(ring_comparisons(runs))
    assert "a difference in 2 of 2 pairs" in line and "the largest 30 points: MINCUTPOOL against " in line
    assert rings_line(ring_comparisons(none)).endswith("shown different yet.")


def test_what_two_blind_models_have_in_every_seed_is_not_tested():
    cells = [(CELLS[model, 2, 1], 0.5) for model in ("MINCUTPOOL", "NO-POOL")]
    exact = runs_of(*cells, seeds=range(1, 11), spread=0.0)
    assert "1 more has the same difference in every seed and is not tested." in verdicts_text(
        ring_comparisons(exact)
    )


def test_the_twin_that_sees_itself_stands_beside_the_one_that_does_not(none):
    by_settings = {cell.config["model"]["sum_input"]: cell for cell in get_grid("rings-explained").cells[:2]}
    text = twin_text(
        runs_of((by_settings[False], 0.5), (by_settings[True], 0.9), seeds=range(1, 11))
    ).replace("\u00a0", " ")
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[2:6]]
    assert [line[:3] for line in lines[:2]] == [
        ["`RINGS-1`", "`false`", "chance"],
        ["`RINGS-1`", "`true`", "above chance"],
    ]
    assert lines[0][3].endswith(": chance") and lines[1][3].endswith(": above chance")
    assert [line[3] for line in lines[2:]] == ["not run yet", "not run yet"]


def test_mincutpool_without_its_losses_stands_beside_mincutpool_with_them(none):
    alone = next(cell for cell in get_grid("rings-explained").cells if cell.model == "MINCUTPOOL")
    runs = runs_of((CELLS["MINCUTPOOL", 1, 1], 0.5), seeds=range(1, 11), spread=0.0)
    explained = runs_of((alone, 0.9), seeds=range(1, 11))
    text = alone_table(ring_scores(runs), explained).replace("\u00a0", " ")
    first, second = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[2:]]
    assert first[:3] == ["`RINGS-1`", "**50.0 ± 0.0: 50 %**", "above chance"]
    assert first[3].endswith(": above chance")
    assert first[4] == f"{100 * explained.test_score.max():.1f}"
    assert second == ["`RINGS-2`", "not run yet", "chance", "not run yet", ""]


def test_graclus_with_one_pooling_layer_stands_beside_graclus_with_two():
    once = [cell for cell in get_grid("rings-explained").cells if cell.model == "GRACLUS"]
    scores = ring_scores(runs_of((CELLS["GRACLUS", 3, 1], 0.7), seeds=range(1, 11)))
    explained = runs_of((once[0], 0.7), (once[2], 0.9), seeds=range(1, 11))
    text = one_pooling_table(scores, explained).replace("\u00a0", " ")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[2:]]
    assert [row[:2] + row[3:5] for row in rows] == [
        ["1", "8", "4", "chance"],
        ["2", "10", "6", "chance"],
        ["3", "12", "8", "above chance"],
    ]
    assert rows[0][2].startswith("**") and rows[0][5].startswith("**")
    assert rows[1][5] == "not run yet" and rows[2][5].endswith(": above chance")


def test_complement_in_longer_training_is_a_row_per_seed(none):
    cell = get_grid("rings-explained").cells[-1]
    runs = runs_of((CELLS["COMPLEMENT", 3, 3], 0.5), seeds=[1], spread=0.0)
    explained = runs_of((cell, 0.5), seeds=[1, 2], spread=0.0)
    explained.loc[explained.seed == 2, ["test_score", "best_epoch", "epochs"]] = [0.905, 180, 200]
    text = longer_text(runs, explained).replace("\u00a0", " ")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[2:4]]
    assert rows[0][0] == "1" and rows[0][1].startswith("50.0 (epoch ")
    assert rows[1] == ["2", "not run yet", "90.5 (epoch 180 of 200)"]
    assert text.endswith("\n1 of 2 seeds have at least 75 % of the test graphs right.\n")
    assert "rethinkpool grid rings-explained --dataset RINGS-3` (`COMPLEMENT`)" in longer_text(none, none)


def test_the_best_seed_of_what_only_the_pooled_adjacency_shows(none):
    runs = runs_of((CELLS["DIFFPOOL-V2", 3, 3], 0.5), seeds=range(1, 11), spread=0.0)
    runs.loc[runs.seed == 4, ["test_score", "val_score", "best_epoch"]] = [0.67, 0.68, 96]
    text = adjacency_text(ring_scores(runs), runs)
    assert text.startswith(
        "Expected: chance. Found over 10 seeds: 51.7 ± 5.4, chance. The best seed, 4, has 67.0 %"
    )
    assert "68.0 % of the validation graphs, after 96 epochs; the next best has 50.0 %" in text
    assert "once `DIFFPOOL-V2` has been run" in adjacency_text(ring_scores(none), none)


def test_agreement_is_a_row_per_set():
    assert [line.split("`")[1] for line in agreement_table().splitlines()[2:]] == [
        "RINGS-1",
        "RINGS-2",
        "RINGS-3",
    ]


def test_all_parts_are_written_from_the_committed_runs(tmp_path):
    write_when_pooling_matters(tmp_path)
    assert {path.stem.removeprefix("rings-") for path in tmp_path.iterdir()} == {
        "adjacency", "agreement", "alone", "expected", "figure", "found", "longer", "one-pooling", "power",
        "reach-digits", "reach-provenance", "reach-smnist", "twin", "verdicts",
    }  # fmt: skip


def test_a_cell_of_one_seed_has_been_run(runs):
    single = runs[runs.seed == 1]
    scores = ring_scores(single)
    assert found_text(scores).endswith(" have not been run yet and 3 cells have a single seed.\n")
    cell = get_grid("rings-explained").cells[0]
    assert "| 62.0 |" in twin_text(runs_of((cell, 0.62), seeds=[1], spread=0))
