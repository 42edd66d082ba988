"""Figures of whole tables of runs: differences of twins, scores by seed, curves of many seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from rethinkpool_core.errors import UsageError
from rethinkpool_core.figures.panels import COLOURS, INK, Panel, Panels, draw
from rethinkpool_core.figures.runs import curve_scale
from rethinkpool_core.models.registry import model_order
from rethinkpool_core.paper import get_metric

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from rethinkpool_core.analysis.equivalence import Comparison
    from rethinkpool_core.analysis.tables import CellScore

# Colour, marker and whether it is filled: told apart without colour too.
_VERDICTS = {
    "equivalent": (COLOURS[2], "o", True),
    "different within the margin": (COLOURS[0], "D", True),
    "different": (COLOURS[1], "s", True),
    "undecided": (INK, "o", False),
}


def forest(found: Sequence[Comparison]) -> Panels:
    """Each comparison as its difference and intervals, with the band in which a difference does not matter.

    Thin lines are the intervals that the test of difference goes by, without 0 or not; thick ones those that the test of
    equivalence goes by, within the band or not. Colours tell the verdicts, which are stricter where there are many comparisons.
    One panel for scores in points and one for errors in the target's units, where there are both.
    """
    parts: dict[str, list[Comparison]] = {}
    for one in sorted(found, key=lambda one: one.scored_by.unit, reverse=True):  # points first
        parts.setdefault(one.scored_by.unit, []).append(one)
    return Panels([_forest(part) for part in parts.values()])


def _forest(found: list[Comparison]) -> Panel:
    pairs: dict[tuple[str, str], list[Comparison]] = {}
    for one in found:
        pairs.setdefault((one.twin, one.method), []).append(one)
    metric, margin = found[0].scored_by, found[0].margin

    def paint(axes: Axes) -> None:
        from matplotlib.ticker import MaxNLocator

        axes.axvspan(-margin, margin, color=INK, alpha=0.1, linewidth=0)
        axes.axvline(0, color=INK, linewidth=1)
        place, ticks = 0.0, {}
        for (twin, method), part in pairs.items():
            place += 1.5
            axes.text(
                0.01,
                place,
                f"{twin} minus {method}",
                transform=axes.get_yaxis_transform(),
                fontsize=10,
                fontweight="bold",
                va="center",
            )
            for one in part:
                place += 1
                ticks[place] = f"{one.dataset}\n{one.settings}".strip()
                _difference(axes, one, place)
        axes.set_yticks(list(ticks), list(ticks.values()))
        axes.set_ylim(place + 0.7, 0.4)
        axes.margins(x=0.08)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlabel(f"{metric.unit}s" if metric.unit else "target's unit")
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        _sides(axes, metric.higher_is_better)
        _legend(axes, found)

    level = [f"{100 * (1 - share):g} %" for share in (2 * found[0].alpha, found[0].alpha)]
    caption = (
        f"Twin minus method: difference, {level[0]} interval (thick) and {level[1]} interval (thin); "
        f"shaded: within {metric.amount(margin)}"
    )
    rows = len(found) + 1.5 * len(pairs)
    return draw(paint, caption, width=4.8, height=1.5 + 0.27 * rows)


def _sides(axes: Axes, higher_is_better: bool) -> None:
    """Which side of 0 is the twin's."""
    left, right = ("worse", "better") if higher_is_better else ("better", "worse")
    for text, side, offset in ((f"← twin {left}", "right", -8), (f"twin {right} →", "left", 8)):
        axes.annotate(
            text,
            (0, 1),
            xycoords=axes.get_xaxis_transform(),
            xytext=(offset, 4),
            textcoords="offset points",
            ha=side,
            fontsize=10,
        )


def _difference(axes: Axes, one: Comparison, place: float) -> None:
    colour, marker, filled = _VERDICTS[one.verdict]
    if one.tested:
        axes.hlines(place, one.low, one.high, color=colour, linewidth=1.2)
        axes.hlines(place, *one.tests.inner, color=colour, linewidth=3.5)
    axes.plot(one.difference, place, **_marker(colour, marker, filled))


def _marker(colour: str, marker: str, filled: bool) -> dict:
    face = colour if filled else "none"
    return {"marker": marker, "color": colour, "markerfacecolor": face, "markersize": 7, "linestyle": "none"}


def _legend(axes: Axes, found: list[Comparison]) -> None:
    from matplotlib.lines import Line2D

    there = {one.verdict for one in found}
    entries = [
        Line2D([], [], label=verdict, **_marker(*_VERDICTS[verdict]))
        for verdict in _VERDICTS
        if verdict in there
    ]
    axes.figure.legend(handles=entries, loc="outside lower center", ncols=2, fontsize=10, handletextpad=0.2)


def score_strips(runs: pd.DataFrame, scores: Sequence[CellScore]) -> Panels:
    """Of each dataset, one dot a seed and the mean as a line; beside them the published mean and deviation.

    scores    `cell_scores` of the same runs
    """
    panels = []
    for dataset in dict.fromkeys(score.dataset for score in scores):
        part = [score for score in scores if score.dataset == dataset and score.seeds]
        if part:
            panels.append(_strips(runs, part))
    return Panels(panels)


def _strips(runs: pd.DataFrame, scores: list[CellScore]) -> Panel:
    metric = get_metric(scores[0].metric)

    def paint(axes: Axes) -> None:
        for place, (score, colour) in enumerate(zip(scores, cycle(COLOURS), strict=False)):
            good = runs[(runs.cell == score.cell) & runs.error.isna()].test_score.dropna()
            values = metric.scale * np.sort(good.to_numpy(dtype=float))
            axes.scatter(place - 0.1 + _apart(values), values, color=colour, s=20, alpha=0.7, linewidth=0)
            axes.hlines(score.mean, place - 0.38, place + 0.18, color=colour, linewidth=2.5)
            if score.printed is not None:
                axes.errorbar(
                    place + 0.32,
                    score.printed.mean,
                    score.printed.std,
                    fmt="D",
                    color=INK,
                    markersize=4.5,
                    capsize=3,
                    linewidth=1.2,
                )
        labels = [f"{score.model}\n{score.settings}".strip() for score in scores]
        axes.set_xticks(
            range(len(scores)), labels, rotation=25, ha="right", rotation_mode="anchor", fontsize=10
        )
        axes.set_xlim(-0.6, len(scores) - 0.4)
        axes.set_ylabel(metric.label)
        axes.grid(axis="x", visible=False)

    counts = sorted({score.seeds for score in scores})
    seeds = " to ".join(str(count) for count in (counts if len(counts) < 3 else (counts[0], counts[-1])))
    printed = "; diamonds: published mean ± deviation" if any(score.printed for score in scores) else ""
    caption = f"{scores[0].dataset}: {seeds} seeds of each model and their mean{printed}"
    return draw(paint, caption, width=max(4.6, 1.5 + 0.8 * len(scores)), height=3.4)


def _apart(values: np.ndarray) -> np.ndarray:
    """Sideways places for sorted ``values``, so that near ones lie side by side and not on each other."""
    step = (np.ptp(values) if len(values) else 0.0) / 25 or 1.0
    bins = np.round(values / step)
    offsets = np.empty(len(values))
    for number in np.unique(bins):
        here = np.flatnonzero(bins == number)
        offsets[here] = (np.arange(len(here)) - (len(here) - 1) / 2) * min(0.08, 0.5 / len(here))
    return offsets


def curve_bands(runs: pd.DataFrame, curve: str, label: str, names: Mapping[str, str] | None = None) -> Panel:
    """Of runs on one dataset: each cell's mean over the seeds still training, and a band from their 10 % to their 90 % quantile.

    A line ends where fewer than half of its seeds go on: those are the ones that still improve, and no fair sample. The lower
    part shows how many go on.

    names    settings of cells that differ from the protocol, by digest

    Raises UsageError for runs on several datasets, and where no run has such a curve.
    """
    if runs.dataset.nunique() != 1:
        raise UsageError(
            f"curves are drawn of one dataset, and these runs are on {', '.join(runs.dataset.unique())}: choose one"
        )
    lines = list(_curves(runs, curve, names or {}))
    if not lines:
        known = dict.fromkeys(name for curves in runs.curves for name in curves)
        raise UsageError(f"no finished run has a curve {curve!r}: there are {', '.join(known)}")

    def paint(axes: Axes) -> None:
        import pandas as pd

        figure = axes.figure
        axes.remove()
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        for (name, values), colour in zip(lines, cycle(COLOURS), strict=False):
            going = _going(values)
            kept = going >= len(values) / 2
            epochs = 1 + np.arange(values.shape[1])
            shown = pd.DataFrame(values[:, kept])
            low, high = shown.quantile([0.1, 0.9]).to_numpy()
            upper.fill_between(epochs[kept], low, high, color=colour, alpha=0.18, linewidth=0)
            upper.plot(epochs[kept], shown.mean().to_numpy(), color=colour, linewidth=2, label=name)
            lower.step(epochs, going, where="mid", color=colour, linewidth=1.5)
        upper.set_ylabel(label)
        upper.legend(fontsize=10)
        lower.set_ylabel("seeds\ngoing on", fontsize=10)
        lower.set_ylim(bottom=0)
        lower.set_xlabel("epoch")

    caption = (
        f"{runs.dataset.iloc[0]}: {label}, mean and 10 % to 90 % band of the seeds still training, until half have "
        "stopped; below, how many there are"
    )
    return draw(paint, caption, width=4.8, height=3.9)


def _curves(runs: pd.DataFrame, curve: str, names: Mapping[str, str]) -> Iterator[tuple[str, np.ndarray]]:
    """Label and values (seeds, epochs) of each cell, NaN after a seed's end and where the value was none."""
    groups = runs[runs.error.isna()].groupby(["model", "cell"])
    for (model, cell), part in sorted(groups, key=lambda group: model_order(group[0][0])):
        found = [np.asarray(one[curve], dtype=float) for one in part.curves if len(one.get(curve, ()))]
        if found:
            values = np.full((len(found), max(map(len, found))), np.nan)
            for row, one in enumerate(found):
                values[row, : len(one)] = one
            label = ", ".join(filter(None, (model, names.get(cell), _seeds(len(found)))))
            yield label, curve_scale(curve, part.metric.iloc[0]) * values


def _going(values: np.ndarray) -> np.ndarray:
    """At each epoch, how many seeds have a value there or later."""
    later = np.maximum.accumulate(~np.isnan(values)[:, ::-1], axis=1)[:, ::-1]
    return later.sum(axis=0)


def _seeds(count: int) -> str:
    return "1 seed" if count == 1 else f"{count} seeds"
