"""Table S5 for pages: our committed runs beside the printed numbers, cell by cell and pair by pair."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from rethinkpool_core.analysis.equivalence import Comparison
from rethinkpool_core.analysis.margins import at_margins
from rethinkpool_core.analysis.pairs import CONTROL
from rethinkpool_core.analysis.printed_pairs import PrintedComparison, printed_comparisons
from rethinkpool_core.analysis.sentences import decimals
from rethinkpool_core.analysis.tables import CellScore, cell_scores, comparisons
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.grids import DATASETS, get_grid
from rethinkpool_core.paper import TABLES, PublishedScore, get_metric, published
from rethinkpool_core.site.not_run import not_run_text
from rethinkpool_core.site.tables import markdown

if TYPE_CHECKING:
    import pandas as pd

GRID = "table-s5"


@dataclass(frozen=True)
class TableS5:
    """The runs of Table S5 and what they show.

    runs        rows of `load_results` of the table's cells, in the protocol's settings
    margin      of equivalence, in points, and in hundredths of the error of ZINC
    datasets    those that are shown
    """

    runs: pd.DataFrame
    margin: float = 1.0
    alpha: float = 0.05
    datasets: tuple[str, ...] = DATASETS

    @property
    def title(self) -> str:
        """``"Table S5"``, with the datasets where these are not all."""
        return "Table S5" + ("" if set(self.datasets) == set(DATASETS) else f" on {', '.join(self.datasets)}")

    @property
    def cells(self) -> list[PublishedScore]:
        """The printed cells, by dataset."""
        return [
            published("S5", model, dataset)
            for dataset in dict.fromkeys(row.dataset for row in published("S5"))
            if dataset in self.datasets
            for model in TABLES["S5"].models
        ]

    @cached_property
    def scores(self) -> list[CellScore]:
        return cell_scores(self.runs)

    @cached_property
    def ours(self) -> list[Comparison]:
        """Each method with its twin, adjusted after Holm."""
        (found,) = at_margins(comparisons(self.runs, alpha=self.alpha), [self.margin])
        datasets, models = list(DATASETS), TABLES["S5"].models
        return sorted(found, key=lambda one: (datasets.index(one.dataset), models.index(one.method)))

    @cached_property
    def printed(self) -> list[PrintedComparison]:
        """The pairs of the whole printed table."""
        return printed_comparisons(margin=self.margin, alpha=self.alpha)

    @property
    def printed_beside(self) -> list[PrintedComparison]:
        """Those on the datasets that are shown."""
        return [one for one in self.printed if one.comparison.dataset in self.datasets]

    def cells_table(self) -> str:
        """Markdown table with a row per printed cell: ours beside the printed one, or the command that trains it."""
        ours = {(score.dataset, score.model): score for score in self.scores}
        rows = []
        for printed in self.cells:
            score = ours.get((printed.dataset, printed.model))
            row = [f"`{printed.dataset}`", f"`{printed.model}`", str(printed)]
            if score is None or score.mean is None:
                row += ["not run yet", "", "", ""]
            else:
                failed = f" ({score.failed} failed)" if score.failed else ""
                apart = signed(score.mean - printed.mean, get_metric(score.metric).digits)
                row += [score.shown, f"{score.seeds}{failed}", apart, signed(score.z_both, 1)]
            rows.append(row)
        header = ["dataset", "model", "printed", "ours", "seeds", "ours minus printed", "z (both SEs)"]
        return unbroken(markdown(header, rows))

    def pairs_table(self) -> str:
        """Markdown table with a row per pair: difference, interval and verdict, ours beside those of the printed numbers.

        A printed verdict in brackets is one that some of the unrounded numbers would not give.
        """
        ours = {(one.dataset, one.method): one for one in self.ours}
        rows = []
        for theirs in self.printed_beside:
            one, most = theirs.comparison, theirs.comparison.scored_by.digits + 1
            mine = ours.get((one.dataset, one.method))
            said = one.verdict if theirs.survives_rounding else f"({one.verdict})"
            rows.append(
                [
                    f"`{one.dataset}`",
                    f"`{one.method}`",
                    *(["not run yet", ""] if mine is None else [difference_text(mine), mine.verdict]),
                    difference_text(one, most),
                    said,
                ]
            )
        level = f"{100 * (1 - self.alpha):g} % interval"
        header = ["dataset", "method", f"ours ({level})", "our verdict", f"printed ({level})", "its verdict"]
        return unbroken(markdown(header, rows))

    def missing(self) -> list[tuple[str, str]]:
        """Dataset and model of each cell of the table without a score."""
        there = {(score.dataset, score.model) for score in self.scores if score.mean is not None}
        return [(one.dataset, one.model) for one in self.cells if (one.dataset, one.model) not in there]

    def missing_text(self) -> str:
        """A list of the cells that were not run, with the commands that train them; empty if there are none."""
        return not_run_text(GRID, self.missing())


def load_table_s5(
    runs: pd.DataFrame | None = None,
    *,
    margin: float = 1.0,
    alpha: float = 0.05,
    datasets: Sequence[str] = (),
) -> TableS5:
    """Return Table S5 from the runs committed in the clone, or from ``runs`` (rows of `load_results`).

    margin      of equivalence, in points, and in hundredths of the error of ZINC
    datasets    those that are shown; none given stands for all

    Raises UnknownNameError for a dataset that the table does not have.
    """
    if runs is None:
        runs = committed_runs()
    grid = get_grid(GRID).restricted(datasets=datasets)
    return TableS5(grid.runs_in(runs), margin, alpha, tuple(datasets) or DATASETS)


def against_no_pooling(
    runs: pd.DataFrame | None = None, *, margin: float = 1.0, alpha: float = 0.05
) -> list[Comparison]:
    """Compare each method of Table S5 with NO-POOL, the control, adjusted after Holm as a family of their own.

    The difference is control minus method. Empty where the control was not run.
    """
    if runs is None:
        runs = committed_runs()
    cells = set(get_grid(GRID).digests)
    part = runs[runs.cell.isin(cells | _control_cells())]
    found = comparisons(part, alpha=alpha)
    return at_margins([one for one in found if one.twin == CONTROL], [margin])[0]


def runs_without_pooling(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs of NO-POOL on the datasets of Table S5."""
    return runs[runs.cell.isin(_control_cells())]


def _control_cells() -> set[str]:
    return {Cell(CONTROL, name).digest for name in dict.fromkeys(row.dataset for row in published("S5"))}


def committed_runs() -> pd.DataFrame:
    """All runs committed in ``results/`` of the clone (raises UsageError outside a clone)."""
    from rethinkpool_core.experiments.frame import load_results
    from rethinkpool_core.site.notebooks import project_folder

    return load_results(project_folder() / "results")


def difference_text(one: Comparison, most: int = 6) -> str:
    """``"-0.3 (-2.0 to +1.4)"``: the difference and its confidence interval, with at most so many decimals."""
    digits = min(decimals(one), most)
    interval = f" ({signed(one.low, digits)} to {signed(one.high, digits)})" if one.tested else ""
    return signed(one.difference, digits) + interval


def unbroken(text: str) -> str:
    """Keep means with their deviations, intervals and "not run yet" on one line each."""
    text = text.replace(" ± ", "\u00a0±\u00a0").replace("not run yet", "not\u00a0run\u00a0yet")
    return re.sub(r"(?<=\d) to (?=[+-])", "\u00a0to\u00a0", re.sub(r"(?<=\d) \((?=[+-])", "\u00a0(", text))


def signed(number: float | None, digits: int) -> str:
    """A number with its sign, and no minus on a zero; empty for None."""
    return "" if number is None else f"{number:+z.{digits}f}"
