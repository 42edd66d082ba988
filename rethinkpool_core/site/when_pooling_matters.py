"""Tables and figure of the page "When pooling matters": the rings, what was expected, and what the committed runs found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from rethinkpool_core.analysis.equivalence import Comparison
from rethinkpool_core.analysis.reach import GRID as REACH_GRID
from rethinkpool_core.analysis.ring_predictions import (
    DATE,
    EXPLAINED_GRID,
    GRID,
    RingScore,
    convolutions_of,
    expected,
    is_blind,
    ring_scores,
)
from rethinkpool_core.analysis.rings import best_threshold, lag_agreement
from rethinkpool_core.analysis.tables import comparisons, has_score, overall
from rethinkpool_core.datasets.sources.rings import lag_of, nodes_of
from rethinkpool_core.experiments.grids import get_grid
from rethinkpool_core.figures.rings import accuracy_over_reach
from rethinkpool_core.models.registry import model_order
from rethinkpool_core.site.not_run import not_run_text
from rethinkpool_core.site.provenance import provenance
from rethinkpool_core.site.reach import questions_table, readings_text, scores_table
from rethinkpool_core.site.rings_explained import (
    adjacency_text,
    alone_table,
    explained_by,
    longer_text,
    one_pooling_table,
    shown_score,
    twin_text,
)
from rethinkpool_core.site.table_s5 import committed_runs, difference_text, unbroken
from rethinkpool_core.site.tables import markdown, raw_html

if TYPE_CHECKING:
    import pandas as pd

RADII = (1, 2, 3)
_NUMBERS = (1, 2, 3, 4)
LEARNED, FAILED = 0.9, 0.6
"""Accuracy from which on a seed has learned the lag, and below which it has not."""


def write_when_pooling_matters(folder: Path) -> None:
    """Write ``rings-*.md``, which the page includes, from the committed runs."""
    folder.mkdir(parents=True, exist_ok=True)
    committed = committed_runs()
    runs = get_grid(GRID).runs_in(committed)
    reach = get_grid(REACH_GRID).runs_in(committed)
    explained = get_grid(EXPLAINED_GRID).runs_in(committed)
    scores, found = ring_scores(runs), ring_comparisons(runs)
    line = raw_html(provenance(runs, GRID, site_root=".").html)
    parts = {
        "agreement": agreement_table(),
        "expected": expected_table(),
        "figure": figure(scores),
        "found": "\n".join(
            [found_text(scores), found_table(scores), divided_text(scores, runs), missing_text(scores), line]
        ),
        "twin": f"{twin_text(explained)}\n{explained_by(explained, 'N-DIFFPOOL-V2')}",
        "alone": f"{alone_table(scores, explained)}\n{explained_by(explained, 'MINCUTPOOL')}",
        "one-pooling": f"{one_pooling_table(scores, explained)}\n{explained_by(explained, 'GRACLUS')}",
        "longer": f"{longer_text(runs, explained)}\n{explained_by(explained, 'COMPLEMENT')}",
        "adjacency": adjacency_text(scores, runs),
        "verdicts": verdicts_text(found),
        "power": power_text(found, scores),
        "reach-digits": _reach(reach, "DIGITS"),
        "reach-smnist": _reach(reach, "SMNIST"),
        "reach-provenance": raw_html(provenance(reach, REACH_GRID, site_root=".").html),
    }
    for name, text in parts.items():
        (folder / f"rings-{name}.md").write_text(text, encoding="utf-8")


def _reach(runs: pd.DataFrame, dataset: str) -> str:
    return "\n".join(part(runs, dataset) for part in (scores_table, questions_table, readings_text))


def agreement_table() -> str:
    """Markdown table of how often the rings of each class repeat a colour at the lag."""
    rows = []
    for radius in RADII:
        shuffled, repeating = lag_agreement(radius)
        rows.append(
            [
                f"`RINGS-{radius}`",
                nodes_of(radius),
                lag_of(radius),
                f"{repeating.mean:.3f} ± {repeating.deviation:.3f}",
                f"{shuffled.mean:.3f} ± {shuffled.deviation:.3f}",
                f"{100 * best_threshold(radius):.1f} %",
            ]
        )
    header = [
        "dataset",
        "nodes",
        "lag",
        "agreement in class 1",
        "agreement in class 0",
        "best threshold on it",
    ]
    return unbroken(markdown(header, rows))


def expected_table() -> str:
    """Markdown table of the predictions, a row per model and radius, a column per number of convolutions."""
    cells = {
        (cell.model, int(cell.spec.upstream), convolutions_of(cell)): expected(
            cell.model, convolutions_of(cell), int(cell.spec.upstream)
        )
        for cell in get_grid(GRID).cells
    }
    return f"Expected on {DATE}, before any run:\n\n" + _by_convolutions(cells, str)


def found_table(scores: Sequence[RingScore]) -> str:
    """Markdown table of mean and standard deviation in the same places; what was not expected is bold."""
    cells = {(one.model, one.radius, one.convolutions): one for one in scores}
    return unbroken(_by_convolutions(cells, shown_score))


def _by_convolutions(cells: dict[tuple[str, int, int], object], shown: Callable[..., str]) -> str:
    rows = []
    for model, radius in sorted({key[:2] for key in cells}, key=lambda key: (model_order(key[0]), key[1])):
        row = [
            shown(cells[model, radius, number]) if (model, radius, number) in cells else ""
            for number in _NUMBERS
        ]
        rows.append([f"`{model}`", radius, *row])
    return markdown(["model", "r", *(f"c = {number}" for number in _NUMBERS)], rows)


def found_text(scores: Sequence[RingScore]) -> str:
    """How many predictions came true, and which did not."""
    known = [one for one in scores if one.outcome is not None]
    single = sum(one.outcome is None and one.mean is not None for one in scores)
    missing = len(scores) - len(known) - single
    rest = [f"{missing} cell{'s have' if missing > 1 else ' has'} not been run yet"] if missing else []
    rest += [f"{single} cell{'s have' if single > 1 else ' has'} a single seed"] if single else []
    planned = len(get_grid(GRID).seeds)
    rest += [
        f"`{one.model}` on `RINGS-{one.radius}` with c = {one.convolutions} has {one.seeds} of {planned} seeds"
        for one in known
        if one.seeds < planned
    ]
    if not known:
        return f"{' and '.join(rest)}.\n" if single else "No cell of the grid has been run yet.\n"
    wrong = [one for one in known if not one.as_expected]
    said = "; ".join([f"{len(known) - len(wrong)} of {len(known)} predictions came true", *rest]) + "."
    if not wrong:
        return f"{said}\n"
    listed = "".join(
        f"- `{one.model}` on `RINGS-{one.radius}` with c = {one.convolutions}: expected {one.expected}, "
        f"found {one.outcome} ({shown_score(one).strip('*')} over {one.seeds} seeds)\n"
        for one in wrong
    )
    return f"{said} Not as expected:\n\n{listed}"


def divided_text(scores: Sequence[RingScore], runs: pd.DataFrame) -> str:
    """List the cells in which some seeds learn the lag and others do not; empty if there are none.

    scores    of the grid ``rings``
    runs      rows of `load_results`
    """
    listed = ""
    for one in scores:
        accuracy = runs[(runs.cell == one.cell) & has_score(runs)].test_score
        learned, failed = int((accuracy >= LEARNED).sum()), int((accuracy < FAILED).sum())
        if learned and failed:
            listed += (
                f"- `{one.model}` on `RINGS-{one.radius}` with c = {one.convolutions}: {learned} of {one.seeds} seeds have at "
                f"least {100 * LEARNED:.0f} % of the test graphs right, {failed} less than {100 * FAILED:.0f} %\n"
            )
    if not listed:
        return ""
    return (
        "Some seeds learn the lag and others of the same cell do not. A $t$ test over them may not reject a mean of 50 %:\n\n"
        f"{listed}"
    )


def missing_text(scores: Sequence[RingScore]) -> str:
    """A list of the cells that were not run, with the commands that train them; empty if there are none."""
    return not_run_text(GRID, [(f"RINGS-{one.radius}", one.model) for one in scores if one.mean is None])


def figure(scores: Sequence[RingScore]) -> str:
    """The figure of the page, or a sentence while there is nothing to draw."""
    drawn = accuracy_over_reach(scores)
    if not drawn.figures:
        return f"The figure is drawn here once `rethinkpool grid {GRID}` has been run.\n"
    return raw_html(drawn._repr_html_())


def ring_comparisons(runs: pd.DataFrame) -> list[Comparison]:
    """Compare each method with its twin and with NO-POOL with as many convolutions, adjusted after Holm as one family.

    runs    rows of `load_results`; others than those of the grid are left out
    """
    grid = get_grid(GRID)
    names = {cell.digest: f"c = {convolutions_of(cell)}" for cell in grid.cells}
    return comparisons(grid.runs_in(runs), names)


def rings_line(found: Sequence[Comparison]) -> str:
    """Say for the landing page what the same tests find where pooling can matter."""
    tested = [one for one in found if one.tested]
    different = [one for one in tested if one.verdict == "different"]
    page = "[rings made so that pooling can matter](when-pooling-matters)"
    if not different:
        return f"On {page} no pair has been shown different yet."
    largest = max(different, key=lambda one: abs(one.difference))
    return (
        f"On {page} the same tests find a difference in {len(different)} of {len(tested)} pairs, the largest "
        f"{abs(largest.difference):.0f} points: {largest.method} against {largest.twin} on {largest.dataset}."
    )


def verdicts_text(found: Sequence[Comparison]) -> str:
    """Markdown table of each method with its twin and with NO-POOL, with the verdicts that `rethinkpool results` would give.

    Where both are at 50 % in every seed there is nothing to test.
    """
    if not found:
        return "No method has been run together with its twin yet.\n"
    tested = [one for one in found if one.tested]
    rows = [
        [
            f"`{one.dataset}`",
            one.settings,
            f"`{one.method}`",
            f"`{one.twin}`",
            difference_text(one),
            one.verdict if one.tested else "not tested",
        ]
        for one in found
    ]
    header = ["dataset", "convolutions", "method", "twin or control", "difference from method", "verdict"]
    rest = len(found) - len(tested)
    said = [overall(tested)] if tested else []
    verbs = ("has", "is") if rest == 1 else ("have", "are")
    said += (
        [f"{rest} more {verbs[0]} the same difference in every seed and {verbs[1]} not tested."]
        if rest
        else []
    )
    return f"{' '.join(said)}\n\n{unbroken(markdown(header, rows))}"


def power_text(found: Sequence[Comparison], scores: Sequence[RingScore]) -> str:
    """How often the verdict was "different" where a difference is known: one model proved blind, the other above chance."""
    outcome = {(one.model, one.radius, one.convolutions): one.outcome for one in scores}
    known = []
    for one in found:
        radius, number = int(one.dataset[-1]), int(one.settings.split()[-1])
        sides = (one.method, one.twin)
        blind = [is_blind(model, number, radius) for model in sides]
        sees = [outcome.get((model, radius, number)) == "above chance" for model in sides]
        if (blind[0] and sees[1]) or (blind[1] and sees[0]):
            known.append(one)
    if not known:
        return "This is computed here once there are runs of such pairs.\n"
    different = [one for one in known if one.verdict == "different"]
    least = min(abs(one.difference) for one in known)
    effects = [one.minimum_detectable_effect for one in found if one.tested]
    text = (
        f'Such pairs: {len(known)}. With the verdict "different": {len(different)}. '
        f"The smallest of these differences: {least:.1f} points."
    )
    if effects:
        text += (
            f" Over all {len(effects)} pairs that could be tested, the difference that these seeds detect with a "
            f"probability of 80 % is {median(effects):.1f} points in the median."
        )
    return f"{text}\n"
