"""Figure S1 for pages: curves per dataset, a table of what each period reaches, and sentences on the differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rethinkpool_core.analysis.equivalence import ALPHA, holm
from rethinkpool_core.analysis.key_updates import (
    DISTANCE,
    PURITY,
    USUAL_PERIOD,
    at_epoch,
    least_losses,
    loss_differences,
    period_of,
)
from rethinkpool_core.figures.results import curve_bands
from rethinkpool_core.figures.svg import FigureRow
from rethinkpool_core.paper import get_metric
from rethinkpool_core.site.found import p_text
from rethinkpool_core.site.table_s5 import signed, unbroken
from rethinkpool_core.site.tables import markdown

if TYPE_CHECKING:
    import pandas as pd

GRID = "figure-s1"
PERIODS = (2, 5, 0)
_CURVES = {
    "val_loss": "validation loss",
    PURITY: "unsupervised loss per graph",
    DISTANCE: "distance of S from uniform",
}


def period_name(period: int) -> str:
    """``"p = 2"``, or ``"never"`` for 0."""
    return f"p = {period}" if period else "never"


def curve_figures(runs: pd.DataFrame, curves: Sequence[str] = tuple(_CURVES)) -> FigureRow:
    """Draw those of the curves that the finished runs have, all on one dataset, with a line and a band per period."""
    names = {cell: period_name(period) for cell, period in zip(runs.cell, period_of(runs), strict=True)}
    finished = runs.curves[runs.error.isna()]
    there = [name for name in curves if any(len(one.get(name, ())) for one in finished)]
    return FigureRow([curve_bands(runs, name, _CURVES[name], names) for name in there])


def reached_table(runs: pd.DataFrame, datasets: Sequence[str]) -> str:
    """Markdown table with a row per dataset and period: the least validation loss and the test score."""
    rows = []
    for name, period, part in _parts(runs, datasets):
        row = [f"`{name}`", period_name(period)]
        if part.empty:
            rows.append([*row, "not run yet", "", ""])
            continue
        metric = get_metric(part.metric.iloc[0])
        least = list(least_losses(part)[period].values())
        score = metric.scale * part.test_score.to_numpy(dtype=float)
        rows.append(
            [*row, len(part), _mean_sd(least, 3), f"{_mean_sd(score, metric.digits)} ({metric.title})"]
        )
    return unbroken(
        markdown(["dataset", "keys updated", "seeds", "lowest validation loss", "test score"], rows)
    )


def size_table(runs: pd.DataFrame, datasets: Sequence[str]) -> str:
    """Markdown table with a row per dataset and period: size of the unsupervised loss, and distance of S from uniform.

    Means over seeds at the first and at the best epoch; empty where the runs have no such curve.
    """
    rows = []
    for name, period, part in _parts(runs, datasets):
        row = [f"`{name}`", period_name(period)]
        if part.empty:
            rows.append([*row, "not run yet", *[""] * 4])
            continue
        sizes = [f"{mean:.1e}" for mean in _means(part, PURITY)]
        distances = [f"{mean:.2g}" for mean in _means(part, DISTANCE)]
        rows.append([*row, *(sizes or ["not recorded", ""]), *(distances or ["", ""]), _furthest(part)])
    header = ["dataset", "keys updated", "loss, first epoch", "loss, best epoch"]
    header += ["S from uniform, first epoch", "S from uniform, best epoch", "largest possible"]
    return unbroken(markdown(header, rows))


def size_text(runs: pd.DataFrame, datasets: Sequence[str]) -> str:
    """A Markdown list: the size of the loss beside the supervised one, and of the distance beside the largest possible."""
    lines = []
    for name, period, part in _parts(runs, datasets):
        if not period or part.empty or not _means(part, PURITY):
            continue
        purity, distance = _means(part, PURITY)[1], _means(part, DISTANCE)[1]
        supervised = float(np.mean(at_epoch(part, "val_loss", "best")))
        weight = part.config.iloc[0]["model"]["purity_weight"]
        furthest = 1 - 1 / _keys(part)
        lines.append(
            f"- `{name}`, {period_name(period)}: at the best epoch the unsupervised loss, with its factor of {weight:g}, is "
            f"{weight * purity:.1e}, {100 * weight * purity / supervised:.2g} % of the supervised validation loss "
            f"({supervised:.2g}). S is {100 * distance / furthest:.2g} % of the way from uniform to one key per node.\n"
        )
    return "".join(lines)


def differences_text(runs: pd.DataFrame, datasets: Sequence[str]) -> str:
    """A Markdown list: how the least validation loss of each period differs from that of the usual one, adjusted after Holm."""
    found = [one for dataset in datasets for one in loss_differences(runs, dataset)]
    adjusted = holm([None if one.tests is None else one.tests.p_difference for one in found])
    lines = []
    for one, p in zip(found, adjusted, strict=True):
        name = f"`{one.dataset}`, {period_name(one.period)} against {period_name(USUAL_PERIOD)}"
        if one.tests is None:
            lines.append(f"- {name}: too few seeds for a test.\n")
            continue
        low, high = one.tests.interval
        seeds = " and ".join(dict.fromkeys(map(str, one.seeds)))
        said = "no difference shown" if p >= ALPHA else "higher" if one.difference > 0 else "lower"
        lines.append(
            f"- {name}: {signed(one.difference, 4)} (95 % interval {signed(low, 4)} to {signed(high, 4)}, {seeds} seeds, "
            f"p {p_text(p)}): {said}.\n"
        )
    return "".join(lines) or "There are no runs to compare yet.\n"


def _parts(runs: pd.DataFrame, datasets: Sequence[str]) -> Iterator[tuple[str, int, pd.DataFrame]]:
    """The finished runs of each dataset and period."""
    good = runs[runs.error.isna()]
    for name in datasets:
        for period in PERIODS:
            part = good[good.dataset == name]
            yield name, period, part[period_of(part) == period]


def _means(part: pd.DataFrame, curve: str) -> list[float]:
    """Means over seeds at the first and at the best epoch; empty where no run has the curve."""
    values = [at_epoch(part, curve, when) for when in ("first", "best")]
    return [float(np.mean(one)) for one in values if len(one)]


def _keys(part: pd.DataFrame) -> int:
    return part.config.iloc[0]["model"]["num_keys"][0]


def _furthest(part: pd.DataFrame) -> str:
    """The distance from uniform of an assignment to one key alone, 1 - 1 / K."""
    return f"{1 - 1 / _keys(part):.2f}"


def _mean_sd(values: Sequence[float], digits: int) -> str:
    spread = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{spread}"
