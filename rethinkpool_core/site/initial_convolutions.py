"""The experiment on initial convolutions for pages: a row per number, stored, printed or live."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rethinkpool_core.analysis.initial_convolutions import convolutions_of, gaps
from rethinkpool_core.analysis.printed_pairs import printed_comparisons
from rethinkpool_core.analysis.tables import CellScore, cell_scores
from rethinkpool_core.paper import published
from rethinkpool_core.site.table_s5 import difference_text, unbroken
from rethinkpool_core.site.tables import markdown

if TYPE_CHECKING:
    import pandas as pd

GRID = "initial-convolutions"
PAIR = ("MINCUTPOOL", "N-MINCUTPOOL")


def gaps_table(runs: pd.DataFrame, numbers: Sequence[int] = (1, 2, 3)) -> str:
    """Markdown table with a row per number of initial convolutions: both scores, their difference and its verdict."""
    found = gaps(runs)
    scores = _scores(runs)
    rows = []
    for number in numbers:
        both = [scores.get((number, model)) for model in PAIR]
        one = found.get(number)
        shown = ["not run yet" if score is None else score.shown for score in both]
        counts = dict.fromkeys(str(score.seeds) for score in both if score is not None)
        rest = ["", ""] if one is None else [difference_text(one), one.verdict]
        rows.append([number, *shown, " and ".join(counts), *rest])
    header = [
        "initial convolutions",
        *(f"`{model}`" for model in PAIR),
        "seeds",
        "twin minus method",
        "verdict",
    ]
    return unbroken(markdown(header, rows))


def printed_gap() -> str:
    """What the supplementary prints about SMNIST: both scores with one convolution, and their difference by our tests."""
    one = next(
        row.comparison
        for row in printed_comparisons()
        if (row.comparison.dataset, row.comparison.method) == ("SMNIST", PAIR[0])
    )
    scores = [str(published("S5", model, "SMNIST")) for model in PAIR]
    return (
        f"With one initial convolution Table S5 prints {scores[0]} for `{PAIR[0]}` and {scores[1]} for `{PAIR[1]}`: "
        f"{difference_text(one, 1)} points, twin minus method with its 95 % interval."
    )


def _scores(runs: pd.DataFrame) -> dict[tuple[int, str], CellScore]:
    names = convolutions_of(runs)
    return {
        (int(names[score.cell].split()[0]), score.model): score
        for score in cell_scores(runs, names)
        if score.mean is not None
    }
