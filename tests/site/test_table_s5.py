"""Tables and sentences on Table S5, for made-up runs whose answers are known."""

from __future__ import annotations

import pandas as pd
import pytest
from analysis.samples import runs_of

from rethinkpool_core.analysis.departures import departure_effects
from rethinkpool_core.errors import UnknownNameError
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.departures import DEPARTURES
from rethinkpool_core.site import found
from rethinkpool_core.site.explained import explanations
from rethinkpool_core.site.settled import corrected_table, margins_table, plan_table, pooled_text
from rethinkpool_core.site.table_s5 import against_no_pooling, load_table_s5


@pytest.fixture(scope="module")
def runs():
    """PROTEINS: equal. SMNIST: 8 points worse. NCI1: method alone."""
    return runs_of(
        (Cell("MINCUTPOOL", "PROTEINS"), 0.750),
        (Cell("N-MINCUTPOOL", "PROTEINS"), 0.750),
        (Cell("MINCUTPOOL", "SMNIST"), 0.90),
        (Cell("N-MINCUTPOOL", "SMNIST"), 0.82),
        (Cell("MINCUTPOOL", "NCI1"), 0.761),
        (Cell("NO-POOL", "PROTEINS"), 0.70),
        (Cell("GRACLUS", "PROTEINS"), 0.70),
    )


@pytest.fixture(scope="module")
def table(runs):
    return load_table_s5(runs)


def row(text: str, *keys: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if all(f"`{key}`" in line for key in keys)]
    return [cell.strip().replace("\u00a0", " ") for cell in line.strip("|").split("|")]


def test_each_cell_beside_the_printed_one(table, runs):
    text = table.cells_table()
    assert len(text.splitlines()) == 2 + 32
    scores = 100 * runs[(runs.model == "MINCUTPOOL") & (runs.dataset == "PROTEINS")].test_score
    shown = row(text, "PROTEINS", "MINCUTPOOL")
    assert shown[2:5] == ["75.0 ± 3.7", f"{scores.mean():.1f} ± {scores.std():.1f}", "20"]
    z = (scores.mean() - 75.0) / ((scores.var() + 3.7**2) / 20) ** 0.5
    assert shown[5:] == [f"{scores.mean() - 75:+z.1f}", f"{z:+z.1f}"]
    assert row(text, "DD", "DIFFPOOL-V2")[3:] == ["not run yet", "", "", ""]


def test_each_pair_beside_the_printed_one(table):
    text = table.pairs_table()
    assert len(text.splitlines()) == 2 + 16
    assert row(text, "PROTEINS", "MINCUTPOOL")[3] == "equivalent"
    assert row(text, "SMNIST", "MINCUTPOOL")[3::2] == ["different", "different"]
    assert row(text, "ZINC", "DIFFPOOL-V2")[2:4] == ["not run yet", ""]
    assert row(text, "ZINC", "DIFFPOOL-V2")[5] == "(different)"


def test_missing_cells_come_with_their_command(table):
    text = table.missing_text()
    assert "`rethinkpool grid table-s5 --dataset DD`\n" in text
    assert (
        "`rethinkpool grid table-s5 --dataset NCI1` (`N-MINCUTPOOL`, `DIFFPOOL-V2`, `N-DIFFPOOL-V2`)" in text
    )


def test_sentences(table):
    assert found.verdict(table) == (
        "Of the 16 pairs of Table S5, 2 have been run here so far, with 20 seeds per model: "
        "1 shown equivalent and 1 shown different."
    )
    assert (
        found.equivalence(table)
        == "Equivalence within 1 point is shown for 1 of 2 pairs (MINCUTPOOL on PROTEINS)."
    )
    assert found.differences(table).endswith("significant: MINCUTPOOL on SMNIST.")
    assert found.agreement(table).startswith("5 of the 32 cells of Table S5 have been run")


def test_an_error_is_told_beside_the_points(runs):
    cells = [(Cell("MINCUTPOOL", "ZINC"), 0.5), (Cell("N-MINCUTPOOL", "ZINC"), 0.45)]
    alone = found.differences(load_table_s5(runs_of(*cells, spread=0.001)))
    assert alone == (
        "On ZINC the mean absolute error of the twin is 0.05002 lower than that of MINCUTPOOL; significant: MINCUTPOOL on ZINC."
    )
    both = found.differences(load_table_s5(pd.concat([runs, runs_of(*cells, spread=0.001)])))
    assert both.startswith("The randomised twin scores ") and "; on ZINC the mean absolute error" in both


def test_a_cell_far_from_the_printed_one_is_named(runs):
    moved = runs.assign(test_score=runs.test_score.where(runs.model != "N-MINCUTPOOL", runs.test_score - 0.1))
    text = found.agreement(load_table_s5(moved))
    assert "further away" in text and "N-MINCUTPOOL on PROTEINS (-" in text


def test_what_is_known_about_a_cell_far_away(runs):
    moved = runs.assign(test_score=runs.test_score.where(runs.model != "N-MINCUTPOOL", runs.test_score - 0.1))
    table = load_table_s5(moved)
    assert "- `N-MINCUTPOOL` on `PROTEINS`: no reason is known." in explanations(table, [])
    untried = explanations(table, departure_effects(runs[:0]))
    command = "`rethinkpool grid released-code --dataset PROTEINS --model N-MINCUTPOOL`"
    assert f"explains it has not been tested yet ({command})" in untried
    departure = DEPARTURES[0]
    both = runs_of(
        (departure.cell("PROTEINS", "normal"), 0.65), (departure.cell("PROTEINS", "uniform"), 0.75)
    )
    text = explanations(table, departure_effects(both))
    assert "- `N-MINCUTPOOL` on `PROTEINS`: with `random_assignment=uniform`" in text
    assert "changes by +" in text and "over 20 seeds (different), which leaves " in text
    assert text.startswith("Of 5 means, 0.2 are expected")
    assert explanations(load_table_s5(runs[:0]), []) == ""
    far = load_table_s5(runs_of((Cell("N-DIFFPOOL-V2", "ZINC"), 0.9)))
    untried = explanations(far, departure_effects(runs[:0])).splitlines()
    assert untried[2].startswith(
        "- `N-DIFFPOOL-V2` on `ZINC`: the [training molecules](../datasets) here are not"
    )
    assert untried[3].startswith(
        "- `N-DIFFPOOL-V2` on `ZINC`: whether `sage=pyg2`, as in today's PyTorch Geometric,"
    )
    assert len(explanations(far, []).splitlines()) == 3


def test_sentences_without_a_run(runs):
    nothing = load_table_s5(runs[:0])
    for say in (found.verdict, found.agreement, found.differences, found.equivalence):
        assert "yet" in say(nothing)
    assert plan_table(nothing).count("| 0 |") == 8
    assert margins_table(nothing.ours) == corrected_table(nothing.ours) == pooled_text(nothing.ours)


def test_the_printed_table_differs_in_four_pairs(table):
    lines = found.printed_verdict(table).splitlines()
    named = [line.split("`")[1::2] for line in lines if line.startswith("- ")]
    assert named == [
        ["MINCUTPOOL", "SMNIST"], ["DIFFPOOL-V2", "SMNIST"], ["DIFFPOOL-V2", "ZINC"], ["DIFFPOOL-V2", "MOLHIV"],
    ]  # fmt: skip
    frail = ["other numbers that round to these" in line for line in lines[:4]]
    assert frail == [False, False, True, True]
    assert found.printed_line(table).endswith("how the numbers were rounded, DIFFPOOL-V2 on ZINC and MOLHIV.")


def test_control(runs):
    (one,) = against_no_pooling(runs)
    assert (one.method, one.twin, one.family_size) == ("MINCUTPOOL", "NO-POOL", 1)
    assert (
        one.difference == pytest.approx(-5, abs=0.5)
        and against_no_pooling(runs[runs.model != "NO-POOL"]) == []
    )


def test_the_claim(table, runs):
    text = found.claim(table, against_no_pooling(runs))
    assert (
        "- the twin is equivalent to MINCUTPOOL on PROTEINS\n- it differs from MINCUTPOOL on SMNIST (" in text
    )
    assert "No pooling at all is worse than MINCUTPOOL on PROTEINS." in text
    better = runs.assign(test_score=runs.test_score.where(runs.model != "NO-POOL", runs.test_score + 0.1))
    assert "No pooling at all is better than MINCUTPOOL on PROTEINS." in found.claim(
        table, against_no_pooling(better)
    )
    noisy = runs.test_score + 0.05 + 0.1 * (-1.0) ** runs.seed
    undecided = runs.assign(test_score=runs.test_score.where(runs.model != "NO-POOL", noisy))
    assert (
        "No pooling at all is neither shown different from nor equivalent to MINCUTPOOL on PROTEINS."
        in found.claim(table, against_no_pooling(undecided))
    )
    few = runs[(runs.seed <= 2) | (runs.model == "NO-POOL")]
    unsure = found.claim(load_table_s5(few))
    assert "do not decide MINCUTPOOL on PROTEINS (" in unsure
    assert "the smallest margin that a test of the pair alone supports" in unsure, (
        "the verdicts are of all together"
    )
    assert "nothing can be said" in found.claim(load_table_s5(runs[:0]))


def test_other_margins_are_in_points_and_hundredths(runs):
    wide = load_table_s5(runs, margin=10.0)
    verdicts = {one.dataset: one.verdict for one in wide.ours}
    assert verdicts == {"PROTEINS": "equivalent", "SMNIST": "different within the margin"}
    assert {one.comparison.margin for one in wide.printed} == {10.0, 0.1}


def test_margins_and_correction(table):
    assert row(margins_table(table.ours), "PROTEINS")[3:6] == ["equivalent"] * 3
    assert row(margins_table(table.ours), "SMNIST")[3:6] == ["different"] * 3
    assert "SMNIST" not in corrected_table(table.ours), "its seeds share one split"
    assert row(corrected_table(table.ours), "PROTEINS")


def test_plan_says_where_its_spread_comes_from(table):
    text = plan_table(table)
    assert "about" in row(text, "NCI1", "MINCUTPOOL")[4]
    shown = row(text, "PROTEINS", "MINCUTPOOL")
    assert shown[2:4] == ["60", "20"] and "about" not in shown[4]


def test_datasets_that_differ_are_said_to(table):
    assert "The datasets differ" in pooled_text(table.ours)
    assert pooled_text(table.ours[:1]) == pooled_text([])


def test_of_chosen_datasets_no_other_is_missing(runs):
    table = load_table_s5(runs, datasets=["PROTEINS", "NCI1"])
    assert found.agreement(table).startswith("3 of the 8 cells of Table S5 on PROTEINS, NCI1 have been run")
    assert len(table.cells_table().splitlines()) == 2 + 8 and "SMNIST" not in table.pairs_table()
    assert {dataset for dataset, _ in table.missing()} == {"PROTEINS", "NCI1"}
    assert "IMDB-B" not in plan_table(table) and "`PROTEINS`" in plan_table(table)
    assert {one.comparison.dataset for one in table.printed_beside} == {"PROTEINS", "NCI1"}
    assert {one.dataset for one in table.ours} == {"PROTEINS"}


def test_a_dataset_that_the_table_does_not_have(runs):
    with pytest.raises(UnknownNameError):
        load_table_s5(runs, datasets=["DIGITS"])


def test_cells_of_one_seed_have_been_run(runs):
    first = runs.seed == 1
    alone = found.agreement(load_table_s5(runs[first]))
    assert alone == (
        "5 of the 32 cells of Table S5 have been run, with 1 seed per model: too few to say how far their means are from "
        "the printed ones."
    )
    some = found.agreement(load_table_s5(runs[first | (runs.dataset == "PROTEINS")]))
    assert some.startswith(
        "5 of the 32 cells of Table S5 have been run, with 1 to 20 seeds per model; of the 2 with more than one seed: all means"
    )


def test_the_claim_has_no_margin_of_a_single_seed(runs):
    text = found.claim(load_table_s5(runs[runs.seed == 1]))
    assert "these seeds allow no test for MINCUTPOOL on SMNIST and PROTEINS\n" in text and "()" not in text


def test_the_level_of_a_pooled_interval_is_that_of_the_tests(runs):
    assert "(99 % interval" in pooled_text(load_table_s5(runs, alpha=0.01).ours)
