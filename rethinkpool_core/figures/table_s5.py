"""Forest plot of the whole of Table S5: our differences beside the printed ones, a panel per method, a row per dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rethinkpool_core.figures.results import VERDICT_STYLES, marker_style
from rethinkpool_core.figures.svg import INK, FigureRow, SvgFigure, draw_svg
from rethinkpool_core.paper import METRICS, TABLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rethinkpool_core.analysis.equivalence import Comparison
    from rethinkpool_core.analysis.printed_pairs import PrintedComparison

_NOTE = "points (ZINC: hundredths of the error)"


def table_s5_forest(ours: Sequence[Comparison], printed: Sequence[PrintedComparison]) -> FigureRow:
    """Draw a panel per method of Table S5, as figures that stand side by side where there is room.

    Each of the ``printed`` pairs has a row. Its upper line is our comparison, if there is one: the difference with two confidence
    intervals as in `forest_plot`. Its lower, grey line is the printed difference with its 95 % interval. To the right the twin is
    better, for errors too, which are drawn in hundredths so that the margins of equivalence have one width.
    """
    figures, limits = [], _limits(ours, printed)
    for pair, rows in _panels(printed).items():
        mine = [one for one in ours if (one.method, one.twin) == pair]

        def paint(axes: Axes, pair=pair, rows=rows, mine=mine) -> None:
            _paint_panel(axes, pair, rows, mine, limits)
            _add_legend([axes], rows, mine)

        caption = f"{pair[1]} against {pair[0]}: {_seen(rows, mine)}"
        figures.append(draw_svg(paint, caption, width=4.8, height=4.6))
    return FigureRow(figures)


def table_s5_picture(ours: Sequence[Comparison], printed: Sequence[PrintedComparison]) -> SvgFigure:
    """Draw both panels in one figure, for places that take one image."""
    panels = _panels(printed)

    def paint(axes: Axes) -> None:
        figure = axes.figure
        axes.remove()
        figure.suptitle("Table S5: random clusters against learned ones", fontsize=13, fontweight="bold")
        columns = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for column, (pair, rows) in zip(columns, panels.items(), strict=True):
            mine = [one for one in ours if (one.method, one.twin) == pair]
            _paint_panel(column, pair, rows, mine, _limits(ours, printed))
        _add_legend(columns, printed, ours)

    captions = [
        f"{pair[1]} against {pair[0]}: {_seen(rows, [one for one in ours if (one.method, one.twin) == pair])}"
        for pair, rows in panels.items()
    ]
    return draw_svg(paint, "Table S5. " + " ".join(captions), width=9.2, height=4.9)


def _panels(printed: Sequence[PrintedComparison]) -> dict[tuple[str, str], list[PrintedComparison]]:
    order, panels = TABLES["S5"].models, {}
    for one in sorted(printed, key=lambda one: order.index(one.comparison.method)):
        panels.setdefault((one.comparison.method, one.comparison.twin), []).append(one)
    return panels


def _limits(ours: Sequence[Comparison], printed: Sequence[PrintedComparison]) -> tuple[float, float]:
    """Ends of the axis that all panels share, so that lengths can be compared."""
    drawn = [*ours, *(row.comparison for row in printed)]
    ends = [
        _axis_scale(one)(end)
        for one in drawn
        for end in (one.difference, *(one.unadjusted.interval if one.tested else ()))
    ]
    return min(ends) - 0.4, max(ends) + 0.4


def _paint_panel(
    axes: Axes,
    pair: tuple[str, str],
    rows: Sequence[PrintedComparison],
    ours: Sequence[Comparison],
    limits: tuple[float, float],
) -> None:
    by_dataset = {one.dataset: one for one in ours}
    for y, one in enumerate(rows):
        theirs, mine = one.comparison, by_dataset.get(one.comparison.dataset)
        on_axis = _axis_scale(theirs)
        reach = on_axis(theirs.margin)
        axes.fill_betweenx([y - 0.5, y + 0.5], -abs(reach), abs(reach), color=INK, alpha=0.1, linewidth=0)
        low, high = sorted(map(on_axis, theirs.unadjusted.interval))
        axes.hlines(y + 0.22, low, high, color=INK, alpha=0.55, linewidth=1)
        axes.plot(on_axis(theirs.difference), y + 0.22, alpha=0.75, **_printed_style())
        if mine is None:
            axes.text(limits[1], y - 0.18, "not run yet", fontsize=8.5, alpha=0.75, ha="right", va="center")
        else:
            _draw_ours(axes, mine, y - 0.18)
    axes.set_xlim(limits)
    axes.axvline(0, color=INK, linewidth=1)
    axes.set_yticks(range(len(rows)), [one.comparison.dataset for one in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel(_NOTE, fontsize=10)
    axes.set_title(f"{pair[1]} minus {pair[0]}\n← twin worse | twin better →", fontsize=11)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)


def _draw_ours(axes: Axes, one: Comparison, y: float) -> None:
    colour, marker, filled = VERDICT_STYLES[one.verdict]
    on_axis = _axis_scale(one)
    if one.tested:
        faint = 1.0 if filled else 0.5  # so that an open marker is seen on its own line
        axes.hlines(y, *sorted(map(on_axis, (one.low, one.high))), color=colour, alpha=faint, linewidth=1.4)
        ends = sorted(map(on_axis, one.unadjusted.tost_interval))
        axes.hlines(y, *ends, color=colour, alpha=faint, linewidth=4)
    axes.plot(on_axis(one.difference), y, **marker_style(colour, marker, filled))


def _axis_scale(one: Comparison) -> Callable[[float], float]:
    """Function from a value in the printed unit to the axis: errors in hundredths, with the sign that makes better greater."""
    metric = one.scored_by
    factor = (1 if metric.higher_is_better else -1) * METRICS["accuracy"].margin / metric.margin
    return lambda value: factor * value


def _printed_style() -> dict:
    return {"marker": "D", "color": INK, "markerfacecolor": "none", "markersize": 4, "linestyle": "none"}


def _add_legend(
    axes: Sequence[Axes], printed: Sequence[PrintedComparison], ours: Sequence[Comparison]
) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    occurring = {one.verdict for one in ours}
    entries = [
        Line2D([], [], label=f"ours: {verdict}", **marker_style(*style))
        for verdict, style in VERDICT_STYLES.items()
        if verdict in occurring
    ]
    level = f"{100 * (1 - printed[0].comparison.alpha):g} %"
    entries.append(Line2D([], [], label=f"as printed, {level} interval", **_printed_style()))
    entries.append(Patch(color=INK, alpha=0.1, linewidth=0, label="margin of equivalence"))
    axes[0].figure.legend(
        handles=entries, loc="outside lower center", ncols=2 * len(axes), fontsize=10, handletextpad=0.2
    )


def _seen(rows: Sequence[PrintedComparison], ours: Sequence[Comparison]) -> str:
    """Describe a panel in words."""
    verdicts: dict[str, list[str]] = {}
    for one in ours:
        verdicts.setdefault(one.verdict, []).append(one.dataset)
    parts = [f"{verdict} on {_list(datasets)}" for verdict, datasets in verdicts.items()]
    missing = [
        one.comparison.dataset for one in rows if one.comparison.dataset not in {two.dataset for two in ours}
    ]
    if missing:
        parts.append(f"not run here yet on {_list(missing)}")
    return f"{'; '.join(parts)}."


def _list(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
