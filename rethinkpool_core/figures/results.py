"""Figures of tables of runs: forest plots of differences, strip plots of scores, curves with bands over seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from rethinkpool_core.errors import UsageError
from rethinkpool_core.figures.runs import curve_scale
from rethinkpool_core.figures.svg import COLOURS, INK, FigureRow, SvgFigure, draw_svg
from rethinkpool_core.models.registry import model_order
from rethinkpool_core.paper import get_metric

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from rethinkpool_core.analysis.equivalence import Comparison
    from rethinkpool_core.analysis.tables import CellScore

# Colour, marker and whether the marker is filled: verdicts differ in shape too.
VERDICT_STYLES = {
    "equivalent": (COLOURS[2], "o", True),
    "different within the margin": (COLOURS[0], "D", True),
    "different": (COLOURS[1], "s", True),
    "undecided": (INK, "o", False),
}


def forest_plot(found: Sequence[Comparison], names: tuple[str, str] = ("method", "twin")) -> FigureRow:
    """Forest plot of comparisons: each difference with two confidence intervals, and a band for the margin of equivalence.

    names    what the first and the second model of a comparison are called

    A thin interval without 0 shows a difference, a thick one within the band equivalence, for that pair alone. Colours and
    markers show the verdicts, which are adjusted for the number of comparisons. Accuracy and ROC-AUC, in points, have one
    figure, errors in the target's unit another.
    """
    parts: dict[str, list[Comparison]] = {}
    for one in sorted(found, key=lambda one: one.scored_by.unit, reverse=True):  # points first
        parts.setdefault(one.scored_by.unit, []).append(one)
    return FigureRow([_forest_of_unit(part, names) for part in parts.values()])


def _forest_of_unit(found: list[Comparison], names: tuple[str, str]) -> SvgFigure:
    pairs: dict[tuple[str, str], list[Comparison]] = {}
    for one in found:
        pairs.setdefault((one.twin, one.method), []).append(one)
    metric, margin = found[0].scored_by, found[0].margin

    def paint(axes: Axes) -> None:
        from matplotlib.ticker import MaxNLocator

        axes.axvspan(-margin, margin, color=INK, alpha=0.1, linewidth=0)
        axes.axvline(0, color=INK, linewidth=1)
        y, ticks = 0.0, {}
        for (twin, method), part in pairs.items():
            y += 1.5
            axes.text(
                0.01,
                y,
                f"{twin} minus {method}",
                transform=axes.get_yaxis_transform(),
                fontsize=10,
                fontweight="bold",
                va="center",
            )
            for one in part:
                y += 1
                ticks[y] = f"{one.dataset}\n{one.settings}".strip()
                _draw_comparison(axes, one, y)
        axes.set_yticks(list(ticks), list(ticks.values()))
        axes.set_ylim(y + 0.7, 0.4)
        axes.margins(x=0.08)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlabel(f"{metric.unit}s" if metric.unit else "target's unit")
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        _label_directions(axes, metric.higher_is_better, names[1])
        _add_legend(axes, found)

    level = [f"{100 * (1 - share):g} %" for share in (2 * found[0].alpha, found[0].alpha)]
    caption = (
        f"{names[1].capitalize()} minus {names[0]}: difference, {level[0]} interval (thick) and {level[1]} interval (thin); "
        f"shaded: within {metric.amount(margin)}"
    )
    rows = len(found) + 1.5 * len(pairs)
    second_lines = sum(bool(one.settings) for one in found)
    return draw_svg(paint, caption, width=4.8, height=1.5 + 0.27 * rows + 0.2 * second_lines)


def _label_directions(axes: Axes, higher_is_better: bool, second: str) -> None:
    """Write above the axes on which side of 0 the second model is better."""
    left, right = ("worse", "better") if higher_is_better else ("better", "worse")
    for text, side, offset in ((f"← {second} {left}", "right", -8), (f"{second} {right} →", "left", 8)):
        axes.annotate(
            text,
            (0, 1),
            xycoords=axes.get_xaxis_transform(),
            xytext=(offset, 4),
            textcoords="offset points",
            ha=side,
            fontsize=10,
        )


def _draw_comparison(axes: Axes, one: Comparison, y: float) -> None:
    colour, marker, filled = VERDICT_STYLES[one.verdict]
    if one.tested:
        axes.hlines(y, one.low, one.high, color=colour, linewidth=1.2)
        axes.hlines(y, *one.unadjusted.tost_interval, color=colour, linewidth=3.5)
    axes.plot(one.difference, y, **marker_style(colour, marker, filled))


def marker_style(colour: str, marker: str, filled: bool) -> dict:
    face = colour if filled else "none"
    return {"marker": marker, "color": colour, "markerfacecolor": face, "markersize": 7, "linestyle": "none"}


def _add_legend(axes: Axes, found: list[Comparison]) -> None:
    from matplotlib.lines import Line2D

    occurring = {one.verdict for one in found}
    entries = [
        Line2D([], [], label=verdict, **marker_style(*style))
        for verdict, style in VERDICT_STYLES.items()
        if verdict in occurring
    ]
    axes.figure.legend(handles=entries, loc="outside lower center", ncols=2, fontsize=10, handletextpad=0.2)


def score_strips(runs: pd.DataFrame, scores: Sequence[CellScore]) -> FigureRow:
    """Strip plot per dataset: a dot per seed and the mean as a line, beside the published mean and standard deviation.

    scores    `cell_scores` of the same runs
    """
    figures = []
    for dataset in dict.fromkeys(score.dataset for score in scores):
        part = [score for score in scores if score.dataset == dataset and score.seeds]
        if part:
            figures.append(_strips_of_dataset(runs, part))
    return FigureRow(figures)


def _strips_of_dataset(runs: pd.DataFrame, scores: list[CellScore]) -> SvgFigure:
    metric = get_metric(scores[0].metric)

    def paint(axes: Axes) -> None:
        for x, (score, colour) in enumerate(zip(scores, cycle(COLOURS), strict=False)):
            good = runs[(runs.cell == score.cell) & runs.error.isna()].test_score.dropna()
            values = metric.scale * np.sort(good.to_numpy(dtype=float))
            axes.scatter(x - 0.1 + _swarm_offsets(values), values, color=colour, s=20, alpha=0.7, linewidth=0)
            axes.hlines(score.mean, x - 0.38, x + 0.18, color=colour, linewidth=2.5)
            if score.published is not None:
                axes.errorbar(
                    x + 0.32,
                    score.published.mean,
                    score.published.std,
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
    printed = (
        "; diamonds: published mean ± standard deviation" if any(score.published for score in scores) else ""
    )
    word = "seed" if counts == [1] else "seeds"
    caption = f"{scores[0].dataset}: {seeds} {word} per model and their mean{printed}"
    return draw_svg(paint, caption, width=max(4.6, 1.5 + 0.8 * len(scores)), height=3.4)


def _swarm_offsets(values: np.ndarray) -> np.ndarray:
    """Horizontal offsets of the dots of sorted ``values``, so that dots of similar values do not overlap."""
    step = (np.ptp(values) if len(values) else 0.0) / 25 or 1.0
    bins = np.round(values / step)
    offsets = np.empty(len(values))
    for number in np.unique(bins):
        dots = np.flatnonzero(bins == number)
        offsets[dots] = (np.arange(len(dots)) - (len(dots) - 1) / 2) * min(0.08, 0.5 / len(dots))
    return offsets


def curve_bands(
    runs: pd.DataFrame, curve: str, label: str, names: Mapping[str, str] | None = None
) -> SvgFigure:
    """Curves of runs on one dataset: per cell the mean over the seeds still training, and a band of their 10 % to 90 % quantiles.

    A line ends where fewer than half of its seeds are still training: these are the seeds that still improve, which is no fair
    sample. The lower axes show how many there are.

    curve    a curve of `RunRecord.curves`; validation scores are drawn in points
    names    settings of cells that differ from the protocol, by digest

    Raises UsageError for runs on several datasets, and where no run has such a curve.
    """
    if runs.dataset.nunique() != 1:
        raise UsageError(
            f"curves are drawn for one dataset, and these runs are on {', '.join(runs.dataset.unique())}: choose one"
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
            training = _seeds_still_training(values)
            kept = training >= len(values) / 2
            epochs = 1 + np.arange(values.shape[1])
            shown = pd.DataFrame(values[:, kept])
            low, high = shown.quantile([0.1, 0.9]).to_numpy()
            upper.fill_between(epochs[kept], low, high, color=colour, alpha=0.18, linewidth=0)
            upper.plot(epochs[kept], shown.mean().to_numpy(), color=colour, linewidth=2, label=name)
            lower.step(epochs, training, where="mid", color=colour, linewidth=1.5)
        upper.set_ylabel(label)
        upper.legend(fontsize=10)
        lower.set_ylabel("seeds\ntraining", fontsize=10)
        lower.set_ylim(bottom=0)
        lower.set_xlabel("epoch")
        for axis in (lower.xaxis, lower.yaxis):
            axis.get_major_locator().set_params(integer=True)

    caption = (
        f"{runs.dataset.iloc[0]}: {label}, mean and 10 % to 90 % band of the seeds still training, until half have "
        "stopped; below, their number"
    )
    return draw_svg(paint, caption, width=4.8, height=3.9)


def _curves(runs: pd.DataFrame, curve: str, names: Mapping[str, str]) -> Iterator[tuple[str, np.ndarray]]:
    """Label and values (seeds, epochs) per cell, NaN after the last epoch of a seed and where no value was recorded."""
    groups = runs[runs.error.isna()].groupby(["model", "cell"])
    # Within a model by settings, so that the colours of cells do not depend on digests.
    ordered = sorted(groups, key=lambda group: (model_order(group[0][0]), names.get(group[0][1], "")))
    for (model, cell), part in ordered:
        found = [np.asarray(one[curve], dtype=float) for one in part.curves if len(one.get(curve, ()))]
        if found:
            values = np.full((len(found), max(map(len, found))), np.nan)
            for row, one in enumerate(found):
                values[row, : len(one)] = one
            label = ", ".join(filter(None, (model, names.get(cell), _seeds(len(found)))))
            yield label, curve_scale(curve, part.metric.iloc[0]) * values


def _seeds_still_training(values: np.ndarray) -> np.ndarray:
    """How many seeds have a value at each epoch or later."""
    later = np.maximum.accumulate(~np.isnan(values)[:, ::-1], axis=1)[:, ::-1]
    return later.sum(axis=0)


def _seeds(count: int) -> str:
    return "1 seed" if count == 1 else f"{count} seeds"
