"""What the page "Collapsed assignments" says with and without runs."""

from __future__ import annotations

import pytest
from analysis.samples import runs_of

from rethinkpool_core.analysis.collapsed_assignments import (
    collapse,
    largest_orthogonality_loss,
    method_cells,
    num_clusters,
    with_losses,
)
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.site.collapsed_assignments import (
    alone_text,
    collapse_table,
    committed_smoothness,
    equal_line,
    equal_text,
    figure,
    learned_by_paper,
    smoothness_table,
    write_collapsed_assignments,
)

NODES = {"NCI1": 111, "IMDB-B": 136, "DIGITS": 42}


def learned(cell, fractions, cut=-1.9, mean=0.7):
    """Runs whose orthogonality losses are these fractions of their largest value."""
    runs = runs_of((cell, mean), seeds=range(1, len(fractions) + 1))
    config = cell.config | {"max_nodes": NODES[cell.dataset]}
    largest = sum(map(largest_orthogonality_loss, num_clusters(config)))
    runs["config"] = [config] * len(runs)
    runs["best_epoch"] = 1
    runs["curves"] = [{"cut": [cut], "orthogonality": [fraction * largest]} for fraction in fractions]
    return runs


def cell_of(grid, dataset):
    return next(cell for cell in method_cells(grid) if cell.dataset == dataset)


@pytest.fixture(scope="module")
def equal():
    return learned(cell_of("table-s5", "NCI1"), [0.9995, 1.0], cut=-2.0)


@pytest.fixture(scope="module")
def partly():
    return learned(cell_of("table-s5", "IMDB-B"), [0.98, 1.0])


def row(table, dataset):
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    return next(line for line in lines if line and line[0] == f"`{dataset}`")


def test_a_row_has_mean_and_range_of_its_seeds(equal):
    table = collapse_table(collapse(equal, method_cells("table-s5"))).replace("\u00a0", " ")
    assert row(table, "NCI1")[1:5] == ["1", "2", "-2.0000", "99.98 % (99.95 to 100.00)"]


def test_what_is_said_of_equal_rows(equal, partly):
    cells = method_cells("table-s5")
    assert "has not been run yet" in equal_text([])
    assert equal_text(collapse(equal, cells)).startswith("On `NCI1` the orthogonality loss of every seed is")
    assert equal_text(collapse(partly, cells)).startswith("On no dataset")
    assert equal_line(collapse(equal, cells)).startswith("On 1 of the 1 datasets")
    assert "is looked at too" in equal_line(collapse(partly, cells))


def test_expectation_is_that_of_the_threshold(equal):
    smooth = committed_smoothness()
    table = smoothness_table(learned_by_paper(equal), smooth).replace("\u00a0", " ")
    assert row(table, "NCI1")[6:] == ["equal", "2 of 2"]
    assert row(table, "SMNIST")[6:] == ["different", "not run yet"]
    ratios = [float(line.split("|")[6]) for line in table.splitlines()[2:]]
    assert ratios == sorted(ratios)


def test_figure_says_how_many_cells_are_on_either_side(equal, partly):
    import pandas as pd

    smooth = committed_smoothness()
    drawn = figure(learned_by_paper(pd.concat([equal, partly])), smooth)
    assert "above, 99.0 to 100.0 % in 2 cells" in drawn and "IMDB-B" in drawn
    assert "drawn here once" in figure(learned_by_paper(equal.iloc[:0]), smooth)


def test_supervised_loss_alone_is_compared_with_both(equal):
    import pandas as pd

    alone = cell_of("auxiliary-losses", "NCI1")
    runs = pd.concat(
        [
            learned(alone, [0.5] * 10, mean=0.75),
            learned(with_losses(alone), [1.0] * 10),
            runs_of((Cell("N-MINCUTPOOL", "NCI1"), 0.71), seeds=range(1, 11)),
        ]
    )
    runs["provenance"] = [{}] * len(runs)
    assert "--dataset NCI1" in alone_text(equal)
    text = alone_text(runs).replace("\u00a0", " ")
    lines = [line for line in text.splitlines() if line.startswith("| `NCI1`")]
    assert [line.split("|")[2].strip() for line in lines[1:]] == ["`MINCUTPOOL`", "`N-MINCUTPOOL`"]
    missing = "`rethinkpool grid auxiliary-losses --dataset {}`"
    assert missing.format("NCI1") not in text and missing.format("PROTEINS") in text


def test_all_parts_are_written_from_the_committed_runs(tmp_path):
    write_collapsed_assignments(tmp_path)
    assert {path.stem.removeprefix("collapsed-") for path in tmp_path.iterdir()} == {
        "alone", "diffpool", "figure", "longer", "reach", "said", "smoothness", "table-s5", "trained",
    }  # fmt: skip
    said = (tmp_path / "collapsed-said.md").read_text(encoding="utf-8")
    assert "`NCI1`" in said
