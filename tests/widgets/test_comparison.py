"""The comparison shows the first seeds of two models, and what the analysis says of them."""

from __future__ import annotations

import pytest
from analysis.samples import runs_of

from rethinkpool_core.analysis.equivalence import compare
from rethinkpool_core.analysis.sentences import sentence
from rethinkpool_core.errors import UsageError
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.widgets.comparison import SeedComparison


@pytest.fixture
def runs():
    return runs_of(
        (Cell("MINCUTPOOL", "PROTEINS"), 0.75),
        (Cell("N-MINCUTPOOL", "PROTEINS"), 0.74),
        (Cell("DIFFPOOL-V2", "PROTEINS"), 0.72),
        (Cell("N-DIFFPOOL-V2", "PROTEINS"), 0.73),
        (Cell("GMN", "ZINC"), 0.5),
        (Cell("RANDOM-GMN", "ZINC"), 0.4),
    )


@pytest.mark.parametrize("seeds", [2, 7, 20])
def test_words_are_those_of_the_first_seeds(runs, seeds):
    widget = SeedComparison(runs)
    widget.dataset.value, widget.pair.value = "PROTEINS", ("MINCUTPOOL", "N-MINCUTPOOL")
    widget.seeds.value = seeds
    scores = [
        dict(zip(part.seed, part.test_score, strict=True))
        for part in (
            runs[(runs.model == model) & (runs.seed <= seeds)] for model in ("MINCUTPOOL", "N-MINCUTPOOL")
        )
    ]
    expected = sentence(compare(*scores, paired=True, names=("PROTEINS", "MINCUTPOOL", "N-MINCUTPOOL")))
    assert widget.words.value == f"<p>{expected}</p>"
    assert f"after 2 to {seeds} seeds" in widget.picture.value


def test_dataset_decides_which_pairs_there_are(runs):
    widget = SeedComparison(runs)
    widget.dataset.value = "ZINC"
    assert [label for label, _ in widget.pair.options] == ["RANDOM-GMN minus GMN"]
    assert "ZINC: RANDOM-GMN minus GMN" in widget.picture.value


def test_playing_moves_the_slider_and_the_picture(runs):
    widget = SeedComparison(runs)
    widget.play.value = 3
    assert widget.seeds.value == 3 and "after 2 to 3 seeds" in widget.picture.value


def test_without_pairs_one_sentence():
    with pytest.raises(UsageError, match="rethinkpool grid"):
        SeedComparison(runs_of((Cell("GMN", "ZINC"), 0.5)))
