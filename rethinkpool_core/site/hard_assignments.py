"""Table of the page "Collapsed assignments": the clusters of DIFFPOOL-V2, which have not collapsed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rethinkpool_core.analysis.hard_assignments import METHOD, HardAssignment, hard_assignments
from rethinkpool_core.analysis.sentences import decimals
from rethinkpool_core.datasets.counts import read_counts
from rethinkpool_core.experiments.grids import get_grid
from rethinkpool_core.site.not_run import not_run_text
from rethinkpool_core.site.provenance import provenance
from rethinkpool_core.site.table_s5 import GRID, load_table_s5, signed, unbroken
from rethinkpool_core.site.tables import markdown, raw_html

if TYPE_CHECKING:
    import pandas as pd

    from rethinkpool_core.analysis.equivalence import Comparison


def hard_assignments_text(runs: pd.DataFrame) -> str:
    """Markdown table of DIFFPOOL-V2's auxiliary losses, with what Table S5 says of its twin, and the runs behind it.

    runs    rows of `load_results`
    """
    found = hard_assignments(runs, GRID, read_counts())
    there = {one.dataset for one in found}
    grid = get_grid(GRID).restricted([METHOD])
    missing = not_run_text(GRID, [(cell.dataset, METHOD) for cell in grid.cells if cell.dataset not in there])
    line = raw_html(provenance(grid.runs_in(runs), GRID, site_root=".", every_seed=False).html)
    table = hard_assignments_table(found, load_table_s5(runs).ours)
    return "\n".join(filter(None, [table, missing, line]))


def hard_assignments_table(found: Sequence[HardAssignment], pairs: Sequence[Comparison]) -> str:
    """Markdown table with a row per dataset.

    pairs    of Table S5, for the twin of each method
    """
    twins = {one.dataset: one for one in pairs if one.method == METHOD}
    rows = []
    for one in found:
        twin, effective = twins.get(one.dataset), one.effective_clusters
        rows.append(
            [
                f"`{one.dataset}`",
                one.seeds,
                _percent(one.entropy, 2),
                "two layers" if one.link is None else _percent(one.link, 0),
                "" if effective is None else f"{effective:.1f} of {one.clusters[0]}",
                *(
                    ["not run yet", ""]
                    if twin is None
                    else [signed(twin.difference, decimals(twin)), twin.verdict]
                ),
            ]
        )
    header = [
        "dataset",
        "seeds",
        "entropy (share of largest)",
        "link loss (share of one cluster's)",
        "effective clusters",
        "twin minus method",
        "verdict",
    ]
    return unbroken(markdown(header, rows))


def _percent(values: Sequence[float], digits: int) -> str:
    mean, low, high = (100 * one for one in (sum(values) / len(values), min(values), max(values)))
    return f"{mean:.{digits}f} % ({low:.{digits}f} to {high:.{digits}f})"
