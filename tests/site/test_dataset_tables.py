"""Table S1 beside the printed one, and the dataset cards."""

from __future__ import annotations

from dataclasses import replace

from rethinkpool_core.datasets.counts import read_counts
from rethinkpool_core.datasets.spec import DATASETS
from rethinkpool_core.site.dataset_cards import write_cards
from rethinkpool_core.site.dataset_tables import differences, further_statistics, table_s1


def rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_counted_and_printed_rows():
    counts = read_counts()
    found = rows(table_s1(counts, {"NCI1": counts["NCI1"]}))
    assert found[2][:2] == ["`NCI1`", "counted now"] and found[4][:2] == ["`IMDB-B`", "counted earlier"]
    assert found[3] == ["", "printed", "4110", "2", "", "37", "29.87", "32.30", ""]
    assert found[2][-1] == f"`{counts['NCI1'].checksum[:8]}`"
    assert [row[0] for row in found if row[0] in ("`MOLHIV`", "`DIGITS`")] == ["`MOLHIV`", "`DIGITS`"]


def test_what_differs_is_bold_and_listed():
    one = read_counts()["NCI109"]
    other = replace(one, checksum="another copy", statistics={**one.statistics, "avg_nodes": 29.685001})
    assert differences({"NCI109": one}) == "All counted numbers are the printed ones.\n"
    assert rows(table_s1({}, {"NCI109": other}))[2][6] == "**29.69**"
    assert differences({"NCI109": other}) == "- **NCI109**: mean nodes 29.69, printed 29.68.\n"


def test_a_known_copy_is_explained():
    assert "training molecules" in differences({"ZINC": read_counts()["ZINC"]})


def test_datasets_outside_the_paper_have_no_printed_row():
    counts = replace(read_counts()["PROTEINS"], name="TU:MUTAG")
    assert len(table_s1({}, {"TU:MUTAG": counts}).splitlines()) == 3


def test_a_regression_outside_the_paper_is_scored_by_its_error():
    zinc = read_counts()["ZINC"]  # as of any set that holds numbers, its classes are not counted
    counts = replace(zinc, name="TU:alchemy", constant=7.8125)
    assert rows(further_statistics({"TU:alchemy": counts}))[2][-1] == "7.81 (mean absolute error)"


def test_cards(tmp_path):
    write_cards(tmp_path)
    for name in DATASETS:
        card = (tmp_path / f"card-{name.lower()}.md").read_text()
        sizes_differ = not name.startswith("RINGS")
        assert card.count("<svg") == 4 + sizes_differ
        assert ("same colour" in card) != sizes_differ
    card = (tmp_path / "card-dd.md").read_text()
    assert "| licence | no licence stated by TU Dortmund; cite Morris et al. 2020 |" in card
    assert "89 columns, of which 82 occur" in card
    assert "mean 284.3, median 241, largest graph 5748" in card
