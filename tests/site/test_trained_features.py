"""What the page "Collapsed assignments" says of trained features and of longer training."""

from __future__ import annotations

import pandas as pd
from analysis.samples import runs_of

from rethinkpool_core.analysis.collapsed_assignments import largest_orthogonality_loss, num_clusters
from rethinkpool_core.analysis.longer_training import GRID
from rethinkpool_core.analysis.smoothest_direction import Smoothness
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.grids import get_grid
from rethinkpool_core.site.collapsed_assignments import committed_smoothness
from rethinkpool_core.site.trained_features import longer_text, trained_text


def table_rows(text):
    return [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in text.replace("\u00a0", " ").splitlines()
        if line.startswith("|")
    ][2:]


def rings(cell, best, *shares):
    """A run whose orthogonality loss in each epoch is this share of its largest value."""
    runs = runs_of((cell, 0.5), seeds=[1])
    config = cell.config | {"max_nodes": 100}
    largest = sum(map(largest_orthogonality_loss, num_clusters(config)))
    runs["config"], runs["best_epoch"], runs["epochs"] = [config], best, len(shares)
    runs["curves"] = [{"orthogonality": [share * largest for share in shares]}]
    runs["provenance"] = [{}]
    return runs


def test_trained_features_are_set_beside_the_rule():
    """With K = 42 tau is 0.119: equal rows are expected in the first two seeds, and the second has others."""
    layers = ((1.0, 0.5), (0.98, 0.9), (0.96, 1.0))
    one = Smoothness(
        "DIGITS", 1, 42, (0.2, 0.3, 0.1), layers, (42.0, 21.4, 1.0), ("c0ffee1234", "c0ffee1234")
    )
    text = trained_text([one], committed_smoothness()).replace("\u00a0", " ")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[2:5]]
    assert [line[4:] for line in rows] == [
        ["1.69", "100.00", "50.00", "42 of 42", "yes"],
        ["2.53", "98.00", "90.00", "21 of 42", "**no**"],
        ["0.84", "96.00", "100.00", "1 of 42", "yes"],
    ]
    assert [line[2:4] for line in rows] == [["1", "0.59"], ["2", "0.65"], ["3", "0.62"]]
    assert "2 of 3 models are as expected" in text and "`c0ffee123`" in text
    missing = [line for line in text.splitlines() if line.startswith("- `rethinkpool grid smoothness")]
    assert len(missing) == 5 and not any("DIGITS" in line for line in missing)
    assert "models are as expected" not in trained_text([], committed_smoothness())


def test_longer_training_is_beside_the_protocol():
    (cell,) = get_grid(GRID).cells
    protocol = Cell("MINCUTPOOL", "RINGS-1", {"initial_convolutions": 2})
    equal, unequal = rings(cell, 2, 1.0, 0.9995, 0.9995), rings(cell, 1, 1.0, 0.98, 0.9712)
    short = rings(protocol, 2, 0.99, 1.0, 0.9999)
    assert f"`rethinkpool grid {GRID} --dataset RINGS-1`" in longer_text(short)
    assert table_rows(longer_text(pd.concat([short, unequal]))) == [
        ["1", "2: 100.00 %", "3: 99.99 %", "3: 97.12 %", "yes"]
    ]
    assert table_rows(longer_text(equal)) == [["1", "not run yet", "not run yet", "3: 99.95 %", "**no**"]]
