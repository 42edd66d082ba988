"""Tables of the page "Collapsed assignments": the features that training ends with, and rows of S after longer training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rethinkpool_core.analysis.collapsed_assignments import EQUAL
from rethinkpool_core.analysis.longer_training import GRID as LONGER_GRID
from rethinkpool_core.analysis.longer_training import longer_training
from rethinkpool_core.analysis.smoothest_direction import Smoothness
from rethinkpool_core.experiments.grids import get_grid
from rethinkpool_core.site.found import listed
from rethinkpool_core.site.not_run import method_not_run_text, not_run_text
from rethinkpool_core.site.provenance import provenance
from rethinkpool_core.site.table_s5 import unbroken
from rethinkpool_core.site.tables import markdown, raw_html

if TYPE_CHECKING:
    import pandas as pd

TRAINED, GRID = "results/smoothness-trained.json", "smoothness"
"""Written by ``rethinkpool results smoothness`` from the models of the grid."""


def trained_text(trained: Sequence[Smoothness], untrained: Sequence[Smoothness]) -> str:
    """Markdown table of lambda / tau before and after training, and whether the first layer has equal rows where it ends above 1.

    Below it how many models are as expected, and what has not been run.
    """
    untrained_ratios = {
        (one.dataset, one.convolutions, seed): ratio
        for one in untrained
        for seed, ratio in zip(one.seeds, one.ratios, strict=True)
    }
    rows = []
    for one in trained:
        by_seed = zip(one.seeds, one.ratios, one.orthogonality, one.used_clusters, strict=True)
        for seed, ratio, (first, second), used in by_seed:
            rows.append(
                [
                    f"`{one.dataset}`",
                    one.convolutions,
                    seed,
                    f"{untrained_ratios[one.dataset, one.convolutions, seed]:.2f}",
                    f"{ratio:.2f}",
                    f"{100 * first:.2f}",
                    f"{100 * second:.2f}",
                    f"{used:.0f} of {one.clusters}",
                    "yes" if (first >= EQUAL) == (ratio > 1) else "**no**",
                ]
            )
    missing = method_not_run_text(GRID, trained)
    if not trained:
        return missing
    header = [
        "dataset",
        "c",
        "seed",
        "λ / τ before",
        "λ / τ after",
        "first layer (%)",
        "second layer (%)",
        "clusters in use",
        "as expected",
    ]
    commits = listed(
        [f"`{commit[:9]}`" for commit in sorted({name for one in trained for name in one.commits})]
    )
    true = sum(row[-1] == "yes" for row in rows)
    said = (
        f"{true} of {len(rows)} models are as expected. The columns of layers have the orthogonality "
        "loss as a share of its largest value, mean over 200 training graphs. The number of clusters in use is 1 / (sum of the "
        f"squared entries of the mean row of the first layer). Trained at commit {commits} by `rethinkpool grid {GRID}`; "
        f"`rethinkpool results smoothness {TRAINED} --grid {GRID}` measures the models.\n"
    )
    return "\n".join(filter(None, [unbroken(markdown(header, rows)), said, missing]))


def longer_text(runs: pd.DataFrame) -> str:
    """Markdown table of the rows of S by the protocol and in longer training, a row per seed, and the runs behind it.

    runs    rows of `load_results`
    """
    found = longer_training(runs)
    if not found:
        (cell,) = get_grid(LONGER_GRID).cells
        return not_run_text(LONGER_GRID, [(cell.dataset, cell.model)])
    rows = [
        [
            one.seed,
            *(_epoch_and_share(at) for at in (one.scored, one.last, one.longer)),
            "yes" if one.longer[1] < EQUAL else "**no**",
        ]
        for one in found
    ]
    header = ["seed", "scored epoch", "last epoch", "longer training", "as expected"]
    line = raw_html(provenance(get_grid(LONGER_GRID).runs_in(runs), LONGER_GRID, site_root=".").html)
    return "\n".join([unbroken(markdown(header, rows)), line])


def _epoch_and_share(at: tuple[int, float] | None) -> str:
    return "not run yet" if at is None else f"{at[0]}: {100 * at[1]:.2f} %"
