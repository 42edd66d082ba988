"""The gap between MINCUTPOOL and its twin by the number of convolutions before the first pooling (Appendix B)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkpool_core.analysis.equivalence import ALPHA, Comparison
from rethinkpool_core.analysis.tables import comparisons

if TYPE_CHECKING:
    import pandas as pd


def convolutions_of(runs: pd.DataFrame) -> dict[str, str]:
    """Return the number of initial convolutions of each cell, as ``"1 convolution"`` or ``"2 convolutions"``, by its digest."""
    found = {}
    for run in runs.drop_duplicates("cell").itertuples():
        number = run.config["model"].get("initial_convolutions", 1)
        found[run.cell] = f"{number} convolution{'' if number == 1 else 's'}"
    return found


def gaps(runs: pd.DataFrame, *, margin: float | None = None, alpha: float = ALPHA) -> dict[int, Comparison]:
    """Return twin minus method by the number of initial convolutions, with p-values adjusted after Holm.

    runs    rows of `load_results` on one dataset, which differ in nothing else

    Numbers of which one model has no score are left out.
    """
    found = comparisons(runs, convolutions_of(runs), margin=margin, alpha=alpha)
    return {int(one.settings.split()[0]): one for one in found}
