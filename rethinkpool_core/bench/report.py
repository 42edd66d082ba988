"""Tables of the result for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rethinkpool_core.figures.speed import curve_label

if TYPE_CHECKING:
    from rich.table import Table


def model_table(found: dict[str, Any]) -> Table:
    """Return a table with one row per model: seconds per epoch and seed, the speed-up with its range, memory."""
    from rich.table import Table

    seeds = found["plan"]["seeds"]
    table = Table(title=f"an epoch on {found['data']['name']}, {found['machine']['processor']}, per seed")
    for column in (
        "model",
        "baseline (s)",
        f"{seeds} seeds (s)",
        "speed-up",
        "range",
        "without matching",
    ):
        table.add_column(column, justify="left" if column == "model" else "right")
    if "memory" in found["models"][0]:
        table.add_column("baseline (MB)", justify="right")
        table.add_column(f"{seeds} seeds (MB)", justify="right")
    for entry in found["models"]:
        free = entry.get("speedup_without_matching")
        cells = [
            entry["model"],
            f"{entry['baseline_seconds']:.2f}",
            f"{entry['our_seconds']:.2f}",
            f"{entry['speedup']:.1f}",
            f"{entry['min']:.1f} to {entry['max']:.1f}",
            "" if free is None else f"{free:.1f}",
        ]
        if "memory" in entry:
            cells += ["" if size is None else f"{size / 1e6:.0f}" for size in entry["memory"].values()]
        table.add_row(*cells)
    if found["overall"]:
        *first, last = found["overall"]["models"]
        table.caption = f"geometric mean of {', '.join(first)} and {last}: {found['overall']['speedup']:.1f} times as fast"
    return table


def growth_tables(found: dict[str, Any]) -> list[Table]:
    """Return one table per axis: milliseconds per seed and step, or for the axis "graphs" per seed and graph of an epoch."""
    from rich.table import Table

    tables = []
    for axis, curves in found.get("growth", {}).items():
        table = Table(title=f"milliseconds per seed and {'graph' if axis == 'graphs' else 'step'}, by {axis}")
        table.add_column("model")
        table.add_column("")
        numbers = sorted({point[axis] for curve in curves for point in curve["points"]})
        for number in numbers:
            table.add_column(str(number), justify="right")
        table.add_column("")
        for curve in curves:
            at = {
                point[axis]: 1e3 * point["seconds"] / (point["graphs"] if axis == "graphs" else 1)
                for point in curve["points"]
            }
            cells = [f"{at[number]:.3g}" if number in at else "" for number in numbers]
            stopped = f"stopped: {curve['stopped']}" if curve["stopped"] else ""
            table.add_row(curve["model"], curve_label(curve), *cells, stopped)
        tables.append(table)
    return tables
