"""The tables of ``rethinkpool results`` can be read in a terminal of 80 columns."""

from __future__ import annotations

from dataclasses import replace

import pytest
from analysis.samples import by_seed, runs_of, with_moments

from rethinkpool_core.analysis.equivalence import compare, holm_adjust
from rethinkpool_core.analysis.tables import cell_scores
from rethinkpool_core.commands.output import print_table
from rethinkpool_core.commands.results import comparisons_tables, mean_and_sd, scores_table
from rethinkpool_core.experiments.cell import Cell

VERDICTS = {
    "equivalent": (0.0, 0.5),
    "different": (3.0, 0.5),
    "different within the margin": (0.4, 0.3),
    "undecided": (0.4, 4.0),
}


def comparison(dataset: str, apart: float, spread: float, metric: str = "accuracy"):
    scale = 0.01 if metric == "accuracy" else 0.0001
    first = with_moments(70, 5, 20)
    second = first + with_moments(apart, spread, 20, seed=1)
    return compare(
        by_seed(scale * first),
        by_seed(scale * second),
        paired=True,
        metric=metric,
        names=(dataset, "DIFFPOOL-V2", "N-DIFFPOOL-V2"),
    )


@pytest.fixture(params=[80, 160])
def terminal(request, monkeypatch) -> int:
    monkeypatch.setattr("rethinkpool_core.commands.output.terminal_width", lambda: request.param)
    return request.param


def test_every_number_and_verdict_of_a_pair_is_whole(terminal, capsys):
    found = [comparison("PROTEINS", *moments) for moments in VERDICTS.values()]
    found += [replace(comparison("ZINC", 40.0, 80.0, "mae"), settings="batch_size=256, max_epochs=30")]
    assert {one.verdict for one in found} == set(VERDICTS)
    found = holm_adjust(found)
    for table, keys in comparisons_tables(found):
        print_table(table, keys)
    out = capsys.readouterr().out
    assert "…" not in out and max(map(len, out.splitlines())) <= terminal
    for one in found:
        digits = 4 if one.metric == "mae" else 1
        assert f"{one.difference:+.{digits}f}" in out
        for alone, adjusted in (
            (one.unadjusted.p_difference, one.p_difference),
            (one.unadjusted.p_equivalence, one.p_equivalence),
        ):
            told = [f"{p:.3f}" if p >= 0.001 else "<0.001" for p in (alone, adjusted)]
            assert f"{told[0]} ({told[1]})" in out
        assert any(line.rstrip().endswith(f" {one.verdict}") for line in out.splitlines())


def test_every_score_is_whole_beside_the_published(terminal, capsys):
    runs = runs_of((Cell("MINCUTPOOL", "PROTEINS"), 0.740), (Cell("N-DIFFPOOL-V2", "PROTEINS"), 0.739))
    scores = cell_scores(runs)
    print_table(*scores_table(scores, None))
    out = capsys.readouterr().out
    assert "…" not in out and max(map(len, out.splitlines())) <= terminal
    for score in scores:
        assert mean_and_sd(score) in out and str(score.published) in out and score.model in out
    assert "difference / SD" in out and "z (their SE)" in out and "z (both SEs)" in out


def test_without_published_scores_their_columns_are_left_out(capsys):
    cell = Cell("MINCUTPOOL", "DIGITS")
    print_table(*scores_table(cell_scores(runs_of((cell, 0.5))), None))
    out = capsys.readouterr().out
    assert (
        "published" not in out
        and "difference" not in out
        and out.splitlines()[-2].split()[:3] == ["DIGITS", "MINCUTPOOL", "20"]
    )
