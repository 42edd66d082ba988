"""Tables of the section on GPUs of the page "How fast", from ``results/how-fast-gpu.json``, which `bench.gpu` writes."""

from __future__ import annotations

from decimal import ROUND_UP, Context
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rethinkpool_core.analysis.departures import compare_cells
from rethinkpool_core.analysis.equivalence import Comparison, holm_adjust
from rethinkpool_core.bench.rounds import SUMMARISED
from rethinkpool_core.errors import DataError
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.grids import get_grid
from rethinkpool_core.site.how_fast import read_json
from rethinkpool_core.site.notebooks import project_folder, shown
from rethinkpool_core.site.provenance import provenance
from rethinkpool_core.site.table_s5 import committed_runs, difference_text, unbroken
from rethinkpool_core.site.tables import markdown, prose_table, raw_html

if TYPE_CHECKING:
    import pandas as pd

GRID = "tf32"


def read_gpu_measurement() -> dict[str, Any]:
    """Return the committed measurement (raises DataError if it is missing or has no part that was measured)."""
    path = project_folder() / "results" / "how-fast-gpu.json"
    remedy = "make it with 'python -m rethinkpool_core.bench.gpu run DIR --data DIR' on a machine with a GPU"
    found = read_json(path, remedy)
    if not found.get("speed") or not found.get("equality"):
        raise DataError(f"{shown(path)} lacks speed-ups or the comparison with the CPU: {remedy}")
    return found


def write_gpu_measurement(folder: Path) -> None:
    """Write ``how-fast-gpu-*.md`` from the committed measurement (raises DataError)."""
    parts = gpu_parts(read_gpu_measurement()) | {"tf32-scores": tf32_scores(committed_runs())}
    for name, text in parts.items():
        (folder / f"how-fast-gpu-{name}.md").write_text(text, encoding="utf-8")


def gpu_parts(found: dict[str, Any]) -> dict[str, str]:
    """Return the tables and sentences of the section in Markdown, by name."""
    return {
        "speed": _speed(found),
        "overall": _overall(found),
        "equality": _equality(found),
        "at_once": _at_once(found["at_once"]),
        "tf32": _tf32(found),
        "where": _where(found),
    }


def _measured(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for entry in found["speed"] if "error" not in entry]


def _speed(found: dict[str, Any]) -> str:
    numbers = sorted({ours["seeds"] for entry in _measured(found) for ours in entry["ours"]})
    header = ["dataset", "model", "batch size", "baseline (ms per step)"]
    header += [f"{number} seed{'s' if number > 1 else ''}" for number in numbers] + ["memory (GiB)"]
    rows = []
    for entry in _measured(found):
        speedups = {ours["seeds"]: ours["speedup"] for ours in entry["ours"]}
        rows.append(
            [
                entry["dataset"],
                f"`{entry['model']}`",
                entry["batch_size"],
                f"{1000 * entry['baseline_seconds'] / entry['steps']:.1f}",
                *(f"{speedups[number]:.0f}" if number in speedups else "-" for number in numbers),
                f"{max(ours['peak_bytes'] for ours in entry['ours']) / 2**30:.1f}",
            ]
        )
    return markdown(header, rows)


def _overall(found: dict[str, Any]) -> str:
    *first, last = (f"`{name}`" for name in SUMMARISED)
    means = []
    for dataset in dict.fromkeys(entry["dataset"] for entry in _measured(found)):
        by_number: dict[int, dict[str, float]] = {}
        for entry in _measured(found):
            for ours in entry["ours"] if entry["dataset"] == dataset else ():
                by_number.setdefault(ours["seeds"], {})[entry["model"]] = ours["speedup"]
        for number, speedups in sorted(by_number.items()):
            if set(SUMMARISED) <= set(speedups):
                mean = prod(speedups[name] for name in SUMMARISED) ** (1 / len(SUMMARISED))
                means.append(f"**{mean:.0f}** with {number} seed{'s' if number > 1 else ''} on {dataset}")
    return f"The geometric mean of the speed-ups of {', '.join(first)} and {last} is {', '.join(means)}.\n"


def _equality(found: dict[str, Any]) -> str:
    def largest(dtype: str, steps: str) -> float:
        return max(
            entry[how][steps]
            for entry in found["equality"]
            if entry["dtype"] == dtype
            for how in ("eager", "recorded")
        )

    models = {entry["model"] for entry in found["equality"]}
    datasets = " and ".join(sorted({entry["dataset"] for entry in found["equality"]}))
    return (
        f"The losses of the first twenty steps of {len(models)} models on {datasets}, with steps recorded as CUDA graphs and "
        f"without, were compared with those on a CPU (commit `{found['equality_commit'][:12]}`). In float64 they differ by "
        f"at most {_at_most(largest('float64', 'all'))}, relative to the loss where it is above 1. In float32 the first step "
        f"differs by at most {_at_most(largest('float32', 'first'))}, and training amplifies that to at most "
        f"{_at_most(largest('float32', 'all'))} within twenty steps.\n"
    )


def _at_most(number: float) -> str:
    """Return a number rounded up to one digit, as ``"6e-05"`` for 5.1e-05."""
    return f"{float(Context(prec=1, rounding=ROUND_UP).create_decimal(repr(number))):.0e}"


def _at_once(found: dict[str, Any]) -> str:
    alone, *others = found["ms_per_step"].items()
    together = " and ".join(f"{milliseconds:.1f} ms with {number}" for number, milliseconds in others)
    return (
        f"A step of `{found['model']}` on `{found['dataset']}` with {found['seeds']} seeds took {alone[1]:.1f} ms with one such "
        f"training on the GPU, {together} at once.\n"
    )


def _tf32(found: dict[str, Any]) -> str:
    """A row per model and dataset that was measured both ways; the best round of each, since the first records steps."""

    def best(entry: dict[str, Any], ours: dict[str, Any]) -> float:
        return 1000 * min(ours["rounds"]) * ours["seeds"] / entry["steps"]

    def timed(entries: list[dict[str, Any]]) -> dict[tuple[str, str, int], float]:
        return {
            (entry["dataset"], entry["model"], ours["seeds"]): best(entry, ours)
            for entry in entries
            for ours in entry["ours"]
        }

    single = timed(_measured(found))
    rows = [
        [dataset, f"`{model}`", seeds, f"{single[key]:.2f}", f"{tf32:.2f}", f"{single[key] / tf32:.2f}"]
        for key, tf32 in timed(found["tf32"]["speed"]).items()
        if key in single
        for dataset, model, seeds in [key]
    ]
    header = ["dataset", "model", "seeds", "float32 (ms per step)", "TF32 (ms per step)", "times as fast"]
    return markdown(header, rows)


def tf32_comparisons(runs: pd.DataFrame) -> list[Comparison]:
    """Compare runs with matrix products in TF32 with those of the same seeds in float32, adjusted after Holm."""
    found = [
        compare_cells(runs, cell, Cell(cell.model, cell.dataset, {"tf32": True}), f"{cell.model}, tf32=True")
        for cell in get_grid(GRID).cells
        if not cell.config["training"]["tf32"]
    ]
    return holm_adjust([one for one in found if one is not None])


def tf32_scores(runs: pd.DataFrame) -> str:
    """Markdown table of what TF32 changes in the test scores."""
    found = tf32_comparisons(runs)
    if not found:
        return f"Not run yet: `rethinkpool grid {GRID} --device cuda`.\n"
    rows = [
        [one.dataset, f"`{one.method}`", one.seeds[1], difference_text(one), one.verdict] for one in found
    ]
    header = ["dataset", "model", "seeds", "TF32 minus float32 (points, 95 % interval)", "verdict"]
    compared = get_grid(GRID).runs_in(runs[runs.seed <= max(one.seeds[1] for one in found)])
    line = provenance(compared, GRID, site_root=".").html
    return f"{unbroken(markdown(header, rows))}\n{raw_html(line)}"


def _where(found: dict[str, Any]) -> str:
    machine = found["machine"]
    header, *rows = [
        ("GPU", machine["device"]),
        ("processor", f"{machine['processor']}, {machine['cores']} cores, {machine['system']}"),
        ("versions", ", ".join(f"{name} {version}" for name, version in found["versions"].items())),
        ("commit", f"`{found['commit'][:12]}`"),
        ("date", found["date"]),
        ("command", f"`{found['command']}`"),
        *(
            (name, f"`{part['command']}` at commit `{part['commit'][:12]}`")
            for name, part in (("DD", found["dd"]), ("TF32", found["tf32"]))
        ),
    ]
    return prose_table(header, rows)
