"""Tables and figures of the page "How fast", from ``results/how-fast.json``, which ``rethinkpool bench`` writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rethinkpool_core.bench.plan import FORMAT
from rethinkpool_core.errors import DataError
from rethinkpool_core.figures.speed import curve_label, growth_curves, speedups
from rethinkpool_core.figures.svg import FigureRow, SvgFigure
from rethinkpool_core.site.notebooks import project_folder, shown
from rethinkpool_core.site.tables import markdown, prose_table, raw_html


def read_measurement() -> dict[str, Any]:
    """Return the committed measurement (raises DataError if it is missing or not complete)."""
    path = project_folder() / "results" / "how-fast.json"
    remedy = f"make it with 'rethinkpool bench --json {shown(path)}'"
    found = read_json(path, remedy)
    whole = found.get("format") == FORMAT and found.get("overall") and found.get("growth")
    if not whole or any("memory" not in entry for entry in found["models"]):
        raise DataError(f"{shown(path)} is not a complete benchmark of this version: {remedy}")
    return found


def read_json(path: Path, remedy: str) -> dict[str, Any]:
    """Return what a file in JSON holds; DataError, with the ``remedy``, if it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{shown(path)} cannot be read ({' '.join(str(error).split())}): {remedy}") from None


def write_measurement(folder: Path) -> None:
    """Write ``how-fast-*.md`` from the committed measurement (raises DataError)."""
    for name, text in parts(read_measurement()).items():
        (folder / f"how-fast-{name}.md").write_text(text, encoding="utf-8")


def parts(found: dict[str, Any]) -> dict[str, str]:
    """Return the tables and figures of the page in Markdown, by name."""
    return {
        "models": _models(found),
        "overall": _overall(found),
        "memory": _memory(found),
        "matching": _matching(found),
        "where": _where(found),
        "ratios": raw_html(FigureRow([speedups(found["models"])])._repr_html_()),
        "seeds": raw_html(FigureRow(_growth_figures(found, "seeds", ("seconds", "bytes")))._repr_html_()),
        "nodes": raw_html(FigureRow(_growth_figures(found, "nodes", ("seconds", "bytes")))._repr_html_()),
        "graphs": raw_html(FigureRow(_growth_figures(found, "graphs", ("seconds", "bytes")))._repr_html_()),
        "stopped": _stopped(found),
    }


def _models(found: dict[str, Any]) -> str:
    header = ["model", "batch size", "baseline (s)", f"{_seeds(found)} (s)", "speed-up"]
    rows = [
        [
            f"`{entry['model']}`",
            entry["batch_size"],
            _digits(entry["baseline_seconds"]),
            _digits(entry["our_seconds"]),
            f"**{entry['speedup']:.1f}** ({entry['min']:.1f}–{entry['max']:.1f})",
        ]
        for entry in found["models"]
    ]
    return markdown(header, rows)


def _memory(found: dict[str, Any]) -> str:
    rows = [
        [
            f"`{entry['model']}`",
            *("-" if size is None else f"{size / 1e6:.0f}" for size in entry["memory"].values()),
        ]
        for entry in found["models"]
    ]
    return markdown(["model", "baseline (MB)", f"{_seeds(found)} (MB)"], rows)


def _seeds(found: dict[str, Any]) -> str:
    return f"{found['plan']['seeds']} seeds"


def _overall(found: dict[str, Any]) -> str:
    *first, last = (f"`{name}`" for name in found["overall"]["models"])
    mean = f"**{found['overall']['speedup']:.1f}**"
    return f"The geometric mean of the speed-ups of {', '.join(first)} and {last} is {mean}.\n"


def _matching(found: dict[str, Any]) -> str:
    rows = [
        [f"`{entry['model']}`", f"{entry['speedup']:.1f}", f"{entry['speedup_without_matching']:.1f}"]
        for entry in found["models"]
        if "speedup_without_matching" in entry
    ]
    source = found["matching"]
    return markdown(
        ["model", f"speed-up, matching in {source}", "speed-up without the baseline's matching"], rows
    )


def _where(found: dict[str, Any]) -> str:
    machine, data, plan = found["machine"], found["data"], found["plan"]
    device = machine["processor"] if machine["device"] == "cpu" else machine["device"]
    threads = f"{plan['threads']} thread{'s' if plan['threads'] > 1 else ''}"
    clock = {"process": "processor time", "wall": "wall-clock time"}[found["clock"]]
    header, *rows = [
        (
            "machine",
            f"{device}, {machine['cores']} cores, {machine['memory_bytes'] / 2**30:.0f} GiB, {machine['system']}",
        ),
        ("used", f"{threads}; {clock}"),
        ("data", f"{data['name']}, {data['graphs']} graphs, the largest with {data['max_nodes']} nodes"),
        ("rounds", f"{plan['rounds']}, after a warm-up epoch"),
        ("versions", ", ".join(f"{name} {version}" for name, version in found["versions"].items())),
        ("commit", f"`{found['commit'][:12]}`" if found["commit"] else "not from a clone"),
        ("date", found["date"]),
        ("command", f"`{found['command']}`"),
    ]
    return prose_table(header, rows)


def _growth_figures(found: dict[str, Any], axis: str, values: tuple[str, ...]) -> list[SvgFigure]:
    """Return one figure per value and model."""
    curves = found["growth"][axis]
    models = dict.fromkeys(curve["model"] for curve in curves)
    return [
        growth_curves([curve for curve in curves if curve["model"] == model], axis, value)
        for value in values
        for model in models
    ]


def _stopped(found: dict[str, Any]) -> str:
    """Return which curves end early, and why."""
    why = {
        "time": "the next point would have taken too long",
        "memory": "there was not enough memory for the next point",
    }
    lines = [
        f"- {axis}, `{curve['model']}`, {curve_label(curve)}: {why[curve['stopped']]}"
        for axis, curves in found["growth"].items()
        for curve in curves
        if curve["stopped"]
    ]
    return "\n".join(["Curves that end early:", "", *lines, ""]) if lines else "No curve ended early.\n"


def _digits(seconds: float) -> str:
    return f"{seconds:#.3g}" if seconds < 1 else f"{seconds:.2f}"
