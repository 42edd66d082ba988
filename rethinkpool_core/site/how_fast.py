"""Tables and figures of the page "How fast": all its numbers come from what ``rethinkpool bench`` wrote to
``results/how-fast.json``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rethinkpool_core.bench.plan import FORMAT
from rethinkpool_core.errors import DataError
from rethinkpool_core.figures.panels import Panel, Panels
from rethinkpool_core.figures.speed import growth_curves, speed_ratios, whose
from rethinkpool_core.site.notebooks import project_folder, shown
from rethinkpool_core.site.tables import markdown, prose_table


def measured() -> dict[str, Any]:
    """The committed measurement (raises DataError when it is not there, or not a whole one)."""
    path = project_folder() / "results" / "how-fast.json"
    remedy = f"make it with 'rethinkpool bench --json {shown(path)}'"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{shown(path)} cannot be read ({' '.join(str(error).split())}): {remedy}") from error
    whole = found.get("format") == FORMAT and found.get("overall") and found.get("growth")
    if not whole or any("memory" not in entry for entry in found["models"]):
        raise DataError(f"{shown(path)} is not the whole benchmark in today's form: {remedy}")
    return found


def write_measurement(folder: Path) -> None:
    """Write ``how-fast-*.md`` from the committed measurement (raises DataError)."""
    for name, text in parts(measured()).items():
        (folder / f"how-fast-{name}.md").write_text(text, encoding="utf-8")


def parts(found: dict[str, Any]) -> dict[str, str]:
    """The pieces of the page in Markdown, by name."""
    return {
        "models": _models(found),
        "overall": _overall(found),
        "memory": _memory(found),
        "matching": _matching(found),
        "where": _where(found),
        "ratios": _raw([speed_ratios(found["models"])]),
        "seeds": _raw(_panels(found, "seeds", ("seconds", "bytes"))),
        "nodes": _raw(_panels(found, "nodes", ("seconds", "bytes"))),
        "graphs": _raw(_panels(found, "graphs", ("seconds", "bytes"))),
        "stopped": _stopped(found),
    }


def _models(found: dict[str, Any]) -> str:
    header = ["model", "batch", "plain, s", f"{_beside(found)}, s", "times as fast"]
    rows = [
        [
            f"`{entry['model']}`",
            entry["batch_size"],
            _digits(entry["plain_seconds"]),
            _digits(entry["our_seconds"]),
            f"**{entry['ratio']:.1f}** ({entry['least']:.1f}–{entry['largest']:.1f})",
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
    return markdown(["model", "plain, MB", f"{_beside(found)}, MB"], rows)


def _beside(found: dict[str, Any]) -> str:
    return f"{found['plan']['seeds']} side by side"


def _overall(found: dict[str, Any]) -> str:
    *first, last = (f"`{name}`" for name in found["overall"]["models"])
    return f"The geometric mean over {', '.join(first)} and {last} is **{found['overall']['ratio']:.1f}** times as fast.\n"


def _matching(found: dict[str, Any]) -> str:
    rows = [
        [f"`{entry['model']}`", f"{entry['ratio']:.1f}", f"{entry['ratio_without_matching']:.1f}"]
        for entry in found["models"]
        if "ratio_without_matching" in entry
    ]
    source = found["matching"]
    return markdown(
        ["model", f"times as fast, matching by {source}", "matching left out of the plain time"], rows
    )


def _where(found: dict[str, Any]) -> str:
    machine, data, plan = found["machine"], found["data"], found["plan"]
    device = machine["processor"] if machine["device"] == "cpu" else machine["device"]
    threads = f"{plan['threads']} thread{'s' if plan['threads'] > 1 else ''}"
    clock = {"process": "processor time", "wall": "time on the wall"}[found["clock"]]
    header, *rows = [
        (
            "machine",
            f"{device}, {machine['cores']} cores, {machine['memory_bytes'] / 2**30:.0f} GiB, {machine['system']}",
        ),
        ("used", f"{threads}; {clock}"),
        ("data", f"{data['name']}, {data['graphs']} graphs, the largest of {data['largest']} nodes"),
        ("rounds", f"{plan['rounds']}, and an epoch of each side before them"),
        ("versions", ", ".join(f"{name} {version}" for name, version in found["versions"].items())),
        ("commit", f"`{found['commit']}`" if found["commit"] else "not from a clone"),
        ("date", found["date"]),
        ("command", f"`{found['command']}`"),
    ]
    return prose_table(header, rows)


def _panels(found: dict[str, Any], axis: str, values: tuple[str, ...]) -> list[Panel]:
    """One panel for each value and, where there are curves of several, each model."""
    curves = found["growth"][axis]
    models = dict.fromkeys(curve["model"] for curve in curves)
    return [
        growth_curves([curve for curve in curves if curve["model"] == model], axis, value)
        for value in values
        for model in models
    ]


def _stopped(found: dict[str, Any]) -> str:
    """Which curves end early, and why."""
    why = {
        "time": "the next point would have taken too long",
        "memory": "the memory did not suffice for the next point",
    }
    lines = [
        f"- {axis}, `{curve['model']}`, {whose(curve)}: {why[curve['stopped']]}"
        for axis, curves in found["growth"].items()
        for curve in curves
        if curve["stopped"]
    ]
    return "\n".join(["Lines that end early:", "", *lines, ""]) if lines else "No line had to end early.\n"


def _digits(seconds: float) -> str:
    return f"{seconds:.3g}" if seconds < 1 else f"{seconds:.2f}"


def _raw(panels: list[Panel]) -> str:
    """Figures for a Markdown page."""
    inner = "\n".join(line for line in Panels(panels)._repr_html_().splitlines() if line.strip())
    return f"```{{raw}} html\n{inner}\n```\n"
