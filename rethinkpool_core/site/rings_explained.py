"""Explanations of the page "When pooling matters": why models see less or more of a ring than was expected, by experiment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rethinkpool_core.analysis.ring_predictions import (
    EXPLAINED_GRID,
    RingScore,
    comes_true,
    expected_of_twin,
    expected_with_one_pooling,
    expected_without_auxiliary_losses,
    scores_with_one_pooling,
    scores_without_auxiliary_losses,
    twin_scores,
)
from rethinkpool_core.analysis.tables import has_score
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.grids import get_grid
from rethinkpool_core.site.not_run import not_run_text
from rethinkpool_core.site.provenance import provenance
from rethinkpool_core.site.table_s5 import unbroken
from rethinkpool_core.site.tables import markdown, raw_html

if TYPE_CHECKING:
    import pandas as pd

LEAST_LEARNED = 0.75
"""Test accuracy from which on a seed counts as having learned something of the lag; seven standard deviations above chance."""


def shown_score(score: RingScore) -> str:
    """Return mean and standard deviation of a cell; bold where they are not as expected."""
    if score.mean is None:
        return "not run yet"
    text = f"{score.mean:.1f}" + ("" if score.std is None else f" ± {score.std:.1f}")
    return f"**{text}**" if score.as_expected is False else text


def twin_text(runs: pd.DataFrame) -> str:
    """Markdown table of N-DIFFPOOL-V2 with and without a first convolution that sees the node itself."""
    rows = [
        [
            f"`RINGS-{radius}`",
            f"`{str(sum_input).lower()}`",
            expected_of_twin(sum_input),
            _shown_outcome(score, expected_of_twin(sum_input)),
        ]
        for (radius, sum_input), score in sorted(twin_scores(runs).items())
    ]
    header = ["dataset", "`sum_input`", "expected", "found"]
    return unbroken(markdown(header, rows))


def alone_table(scores: Sequence[RingScore], explained: pd.DataFrame) -> str:
    """Markdown table of MINCUTPOOL with c = r, with its auxiliary losses and without them.

    scores       of the grid ``rings``
    explained    runs of the grid ``rings-explained``
    """
    with_losses = {
        one.radius: one for one in scores if one.model == "MINCUTPOOL" and one.convolutions == one.radius
    }
    rows = []
    for radius, alone in sorted(scores_without_auxiliary_losses(explained).items()):
        hoped = expected_without_auxiliary_losses(radius)
        seen = explained[(explained.cell == alone.cell) & has_score(explained)].test_score
        rows.append(
            [
                f"`RINGS-{radius}`",
                _shown_outcome(with_losses[radius], with_losses[radius].expected),
                hoped,
                _shown_outcome(alone, hoped),
                "" if seen.empty else f"{100 * seen.max():.1f}",
            ]
        )
    header = ["dataset", "with the losses", "expected without", "found without", "best seed without"]
    return unbroken(markdown(header, rows))


def one_pooling_table(scores: Sequence[RingScore], explained: pd.DataFrame) -> str:
    """Markdown table of GRACLUS on RINGS-3 with the two pooling layers of the grid ``rings``, and with one.

    scores       of the grid ``rings``
    explained    runs of the grid ``rings-explained``
    """
    with_two = {one.convolutions: one for one in scores if (one.model, one.radius) == ("GRACLUS", 3)}
    rows = []
    for one in scores_with_one_pooling(explained):
        hoped = expected_with_one_pooling(one.convolutions, one.radius)
        two = with_two[one.convolutions]
        number = one.convolutions
        rows.append(
            [
                number,
                2 * number + 6,
                _shown_outcome(two, two.expected),
                2 * number + 2,
                hoped,
                _shown_outcome(one, hoped),
            ]
        )
    header = [
        "c",
        "colours seen, two poolings",
        "found, two poolings",
        "colours seen, one pooling",
        "expected, one pooling",
        "found, one pooling",
    ]
    return unbroken(markdown(header, rows))


def longer_text(runs: pd.DataFrame, explained: pd.DataFrame) -> str:
    """Markdown table of COMPLEMENT on RINGS-3 by the protocol and in longer training, a row per seed, and how many seeds learn.

    runs         of the grid ``rings``
    explained    runs of the grid ``rings-explained``
    """
    (cell,) = [cell for cell in get_grid(EXPLAINED_GRID).cells if cell.model == "COMPLEMENT"]
    kept = {"initial_convolutions": cell.parameters["initial_convolutions"]}
    short = runs[(runs.cell == Cell(cell.model, cell.dataset, kept).digest) & has_score(runs)]
    longer = explained[(explained.cell == cell.digest) & has_score(explained)]
    if longer.empty:
        return not_run_text(EXPLAINED_GRID, [(cell.dataset, cell.model)])
    by_protocol = {run.seed: _score_and_epoch(run) for run in short.itertuples()}
    rows = [
        [run.seed, by_protocol.get(run.seed, "not run yet"), _score_and_epoch(run)]
        for run in longer.sort_values("seed").itertuples()
    ]
    learned = int((longer.test_score >= LEAST_LEARNED).sum())
    header = ["seed", "by the protocol", "in longer training"]
    said = (
        f"{learned} of {len(rows)} seeds have at least {100 * LEAST_LEARNED:.0f} % of the test graphs right."
    )
    return f"{unbroken(markdown(header, rows))}\n{said}\n"


def _score_and_epoch(run: object) -> str:
    return f"{100 * run.test_score:.1f} (epoch {int(run.best_epoch)} of {int(run.epochs)})"


def adjacency_text(scores: Sequence[RingScore], runs: pd.DataFrame) -> str:
    """Say what DIFFPOOL-V2 finds on RINGS-3, whose lag is in its pooled adjacency matrix alone: over all seeds, and in the best.

    scores    of the grid ``rings``
    runs      of this grid
    """
    (one,) = [score for score in scores if (score.model, score.radius) == ("DIFFPOOL-V2", 3)]
    if one.outcome is None:
        return "This is said here once `DIFFPOOL-V2` has been run on `RINGS-3`.\n"
    part = runs[(runs.cell == one.cell) & has_score(runs)]
    best, second = part.loc[part.test_score.idxmax()], part.test_score.nlargest(2).iloc[-1]
    return (
        f"Expected: {one.expected}. Found over {one.seeds} seeds: {one.mean:.1f} ± {one.std:.1f}, {one.outcome}. The best seed, "
        f"{best.seed}, has {100 * best.test_score:.1f} % of the test graphs right, and {100 * best.val_score:.1f} % of the "
        f"validation graphs, after {best.best_epoch} epochs; the next best has {100 * second:.1f} %.\n"
    )


def _shown_outcome(score: RingScore, expected: str) -> str:
    if score.outcome is None:
        return shown_score(score)
    text = f"{score.mean:.1f} ± {score.std:.1f}: {score.outcome}"
    return text if comes_true(expected, score.outcome) else f"**{text}**"


def explained_by(explained: pd.DataFrame, model: str) -> str:
    """Return the line of the runs of one model."""
    return raw_html(provenance(explained[explained.model == model], EXPLAINED_GRID, site_root=".").html)
