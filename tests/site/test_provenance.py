"""From a number on a page down to its seed and the command that repeats it."""

from __future__ import annotations

import csv
import re
from html import unescape

import pytest

from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.frame import load_results
from rethinkpool_core.experiments.grids import get_grid
from rethinkpool_core.site.notebooks import project_folder
from rethinkpool_core.site.provenance import provenance
from rethinkpool_core.site.results_csv import COLUMNS, committed_files, files_with, write_results_csv


@pytest.fixture(scope="module")
def committed():
    return load_results(project_folder() / "results")


@pytest.fixture(scope="module")
def imdb(committed):
    """Forty runs of two cells, all from one machine and commit."""
    runs = get_grid("table-s5").runs_in(committed)
    of_pair = runs.model.str.endswith("MINCUTPOOL") & (runs.seed <= 20)
    return runs[(runs.dataset == "IMDB-B") & of_pair]


def text(part: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", part)).split())


def test_the_line_names_runs_seeds_commit_device_versions_command_and_file(imdb):
    line = text(provenance(imdb, "table-s5").html.partition("<details>")[0])
    about = imdb.provenance.iloc[0]
    assert line.startswith(f"{len(imdb)} runs of 2 cells, seeds 1 to {imdb.seed.max()} ")
    for fact in (about["commit"][:9], "CPU, 1 thread,", f"torch {about['versions']['torch']}"):
        assert fact in line
    assert "rethinkpool grid table-s5 --dataset IMDB-B" in line
    assert "results/table-s5.parquet" in line


def test_each_source_has_a_line_of_its_own(imdb):
    """The first five runs as if from another machine and commit."""
    moved = [
        one | {"commit": "abcdef0123456", "device": "ANOTHER GPU"} if row < 5 else one
        for row, one in enumerate(imdb.provenance)
    ]
    shown = provenance(imdb.assign(provenance=moved), "table-s5").html
    line, several, *_ = shown.split("<details>")
    assert "ANOTHER GPU" in line and "commit" not in line
    items = [text(item) for item in several.split("<li>")[1:]]
    assert [item.split(" runs")[0] for item in items] == [str(len(imdb) - 5), "5"]
    assert "commit abcdef012 · ANOTHER GPU," in items[1]
    assert all("repeat all: rethinkpool grid table-s5 --dataset IMDB-B" in item for item in items)


def test_a_command_that_trains_more_than_these_runs_says_so(committed):
    """NO-POOL has three settings in the grid; its command trains all of them."""
    one = committed[committed.cell == Cell("NO-POOL", "DIGITS", {"num_layers": 1}).digest]
    assert "repeat all, with 20 more runs: rethinkpool grid reach" in text(provenance(one, "reach").html)


def test_every_seed_has_its_score_and_every_cell_its_command(imdb):
    folded = provenance(imdb, "table-s5").html.partition("<details>")[2]
    shown = re.findall(r"<li><b>(\d+)</b> ([\d.]+)</li>", folded)
    expected = [
        (str(run.seed), f"{100 * run.test_score:.3f}")
        for run in imdb.sort_values(["model", "seed"]).itertuples()
    ]
    assert shown == expected
    assert "rethinkpool train N-MINCUTPOOL IMDB-B --seeds 1-20 --device cpu" in text(folded)


def test_of_many_seeds_that_trained_alone_the_first_has_its_command(imdb):
    """Seeds 1, 3 to 6 and 9 of one cell as if they had trained alone."""
    one = imdb[imdb.model == "MINCUTPOOL"]
    alone = one.seed.isin([1, 3, 4, 5, 6, 9])
    moved = [
        facts | {"side_by_side": [seed]} if apart else facts
        for facts, seed, apart in zip(one.provenance, one.seed, alone, strict=True)
    ]
    folded = text(provenance(one.assign(provenance=moved), "table-s5").html.partition("Every seed")[2])
    assert "--seeds 1-1 --device cpu and in the same way, one at a time, seeds 3 to 6, 9 " in folded
    assert "--seeds 3-3" not in folded
    assert "rethinkpool train MINCUTPOOL IMDB-B --seeds 1-20 --device cpu" in folded


def test_seeds_are_listed_once_per_page_where_asked(imdb):
    line = provenance(imdb, "table-s5", every_seed=False).html
    assert "Every seed" not in line and line.partition("</p>")[0] in provenance(imdb, "table-s5").html


def test_runs_of_the_page_itself_have_no_file_and_no_grid(imdb):
    shown = text(provenance(imdb, None).html.partition("<details>")[0])
    assert "trained for this page" in shown and "grid" not in shown and "results/" not in shown


def test_links_lead_from_the_page_to_the_site_and_hide_elsewhere(imdb):
    for root in ("..", "."):
        link = f'<a class="site-only" hidden href="{root}/results/table-s5.csv">CSV</a>'
        assert link in provenance(imdb, "table-s5", site_root=root).html


def test_runs_that_failed_or_are_not_committed(imdb):
    own = imdb.assign(key="own-" + imdb.key, error=["no memory", *[None] * (len(imdb) - 1)])
    shown = text(provenance(own, "table-s5").html)
    assert "1 failed" in shown and "not in results/" in shown and ".csv" not in shown
    assert f"{imdb.seed.iloc[0]} failed" in shown


def test_no_run_yet(imdb):
    assert text(provenance(imdb[:0], "figure-s1").html) == "Not run yet: rethinkpool grid figure-s1"


def test_csv_files_hold_every_committed_run(committed, tmp_path):
    files = write_results_csv(tmp_path / "results")
    assert [path.stem for path in files] == [path.stem for path in committed_files()]
    rows = {}
    for path in files:
        with path.open(newline="", encoding="utf-8") as lines:
            reader = csv.DictReader(lines)
            assert tuple(reader.fieldnames) == COLUMNS
            rows |= {row["key"]: row for row in reader}
    assert rows.keys() == set(committed.key)
    run = committed.iloc[0]
    row = rows[run.key]
    assert float(row["test_score"]) == run.test_score and row["commit"] == run.provenance["commit"]
    assert row["repeat"].startswith(f"rethinkpool train {run.model} {run.dataset} --seeds ")


def test_files_of_runs(committed):
    assert files_with(committed.key[:1]) and files_with(["none"]) == []
