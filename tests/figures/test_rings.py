"""The figure of accuracy over reach."""

from __future__ import annotations

from rethinkpool_core.analysis.ring_predictions import RingScore
from rethinkpool_core.figures.rings import accuracy_over_reach


def score(model, radius, convolutions, mean):
    return RingScore(model, radius, convolutions, "", seeds=10, mean=mean, std=1.0)


def test_a_panel_per_method_with_runs_says_what_is_seen():
    scores = [
        score("MINCUTPOOL", 1, 1, 61.0),
        score("MINCUTPOOL", 1, 2, 95.0),
        score("MINCUTPOOL", 2, 3, 88.0),
        score("N-MINCUTPOOL", 1, 2, 90.0),
        RingScore("GMN", 1, 2, ""),
    ]
    (figure,) = accuracy_over_reach(scores).figures
    assert (
        "MINCUTPOOL up to c = r: 61 %; MINCUTPOOL beyond: 88 to 95 %; N-MINCUTPOOL beyond: 90 %"
        in figure.caption
    )
    assert "MINCUTPOOL, r = 2" in figure.svg and "N-MINCUTPOOL, r = 2" not in figure.svg.replace(
        ">N-", "> N-"
    )


def test_nothing_is_drawn_without_runs():
    assert not accuracy_over_reach([RingScore("GMN", 1, 2, "")]).figures
