"""The line under a table or figure of stored results: which runs it shows, what made them, and how to repeat each."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rethinkpool_core.analysis.tables import settings_of
from rethinkpool_core.experiments.repeat import device_option, grid_commands, runs_besides, seed_ranges
from rethinkpool_core.paper import get_metric
from rethinkpool_core.site.results_csv import files_with, repeat_of, trained_together, versions_text

if TYPE_CHECKING:
    import pandas as pd

_HOW_TO_REPEAT = (
    "Each command trains again the seeds that were trained together. At the same commit, on the same device and with the same "
    "versions, this repeats their scores to the last bit. Elsewhere, or if <code>--seeds 7-7</code> trains seed 7 alone, sums "
    "round differently, and training amplifies the difference. Without a GPU, leave <code>--device cuda</code> out."
)


@dataclass(frozen=True)
class Provenance:
    """HTML, shown as such in a notebook."""

    html: str

    def _repr_html_(self) -> str:
        return self.html


def provenance(
    runs: pd.DataFrame, grid: str | None, *, site_root: str = "..", every_seed: bool = True
) -> Provenance:
    """Describe the runs behind a table or figure.

    A line gives the number of runs and seeds, commit, machine, versions, the command that repeats them and where they are. Runs
    of several commits or machines have a line for each, folded. Below, folded too, every cell has the command that trains it
    again and the test score of each seed.

    runs         rows of `load_results`
    grid         name of the grid whose runs they are; None for runs that the page itself trained
    site_root    relative path from the page to the root of the site: ".." from a notebook, "." from a page at the root
    every_seed   whether to list the seeds; not again under a second table of the same runs

    The CSV files, which only the site has (`write_results_csv`), are linked there; elsewhere the line names the Parquet files.
    """
    if runs.empty:
        command = _code(f"rethinkpool grid {grid}")
        return Provenance(f'<div class="provenance"><p>Not run yet: {command}</p></div>')
    counted = f"{_count(len(runs), 'run')} of {_count(runs.cell.nunique(), 'cell')}, seeds {_seeds(sorted(set(runs.seed)))}"
    failed = int(runs.error.notna().sum())
    facts = [counted, f"{failed} failed"] if failed else [counted]
    sources = _by_source(runs)
    if len(sources) == 1:
        facts += _source(runs, grid)
    else:
        facts.append(html.escape(_devices(runs)))
    if grid is not None:
        facts += _places(runs, site_root)
    line = f"<p>{' · '.join(facts)}</p>\n"
    if len(sources) > 1:
        listed = "".join(
            f"<li>{' · '.join([_count(len(part), 'run'), *_source(part, grid)])}</li>\n" for part in sources
        )
        line += (
            "<details><summary>Commits, machines, versions, and the commands that repeat them</summary>\n"
            f"<ul>{listed}</ul></details>\n"
        )
    if every_seed:
        cells_html = "".join(_cell(part, name) for name, part in _by_cell(runs))
        line += (
            "<details><summary>Every seed: scores, and the command that repeats them</summary>\n"
            f"<p>{_HOW_TO_REPEAT}{_check_link(site_root)}</p>\n{cells_html}</details>\n"
        )
    return Provenance(f'<div class="provenance">\n{line}</div>')


def _by_source(runs: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the runs in parts of one commit, machine and set of versions, the largest first."""
    parts: dict[tuple[str, ...], list[int]] = {}
    for row, one in enumerate(runs.provenance):
        parts.setdefault(tuple(_made_by(one)), []).append(row)
    return [runs.iloc[rows] for rows in sorted(parts.values(), key=len, reverse=True)]


def _devices(runs: pd.DataFrame) -> str:
    """Return the kinds of device in short; a run that was resumed elsewhere names several."""
    found = dict.fromkeys(
        "CPU" if device.startswith("cpu") else device
        for one in runs.provenance
        for device in str(one.get("device")).split(", then ")
    )
    return " and ".join(found)


def device_text(one: dict) -> str:
    """Return device and machine of a provenance: ``"CPU, 1 thread, Linux x86_64"``."""
    return f"{one.get('device')}, {one.get('machine')}".replace("cpu, ", "CPU, ").replace(
        " 1 threads", " 1 thread"
    )


def _made_by(one: dict) -> list[str]:
    return [
        f"commit {_code((one.get('commit') or 'not known')[:9])}",
        html.escape(device_text(one)),
        html.escape(versions_text(one)),
    ]


def _source(runs: pd.DataFrame, grid: str | None) -> list[str]:
    """Return what made the runs of one source, and the commands that repeat them."""
    if grid is None:
        return [*_made_by(runs.provenance.iloc[0]), "trained for this page"]
    commands = grid_commands(grid, runs, device_option(runs.provenance.iloc[0].get("device")))
    more = runs_besides(grid, runs)
    said = f"repeat all, with {_count(more, 'more run')}" if more else "repeat all"
    return [*_made_by(runs.provenance.iloc[0]), f"{said}: {' and '.join(map(_code, commands))}"]


def _by_cell(runs: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The runs of each cell with its name, in the order of the table."""
    settings = settings_of(runs)
    found = []
    for cell in dict.fromkeys(runs.cell):
        part = runs[runs.cell == cell].sort_values("seed")
        first = part.iloc[0]
        found.append(
            (f"{first.model} on {first.dataset}" + (f", {settings[cell]}" if settings[cell] else ""), part)
        )
    return found


def _cell(part: pd.DataFrame, name: str) -> str:
    metric = get_metric(part.metric.iloc[0])
    digits = metric.digits + 2
    scores = "".join(
        f"<li><b>{run.seed}</b> "
        + (
            "failed"
            if run.error is not None or run.test_score != run.test_score
            else f"{metric.scale * run.test_score:.{digits}f}"
        )
        + "</li>"
        for run in part.itertuples()
    )
    return (
        f"<p>{html.escape(name)}: test {metric.label} by seed. {_commands(part)}</p>\n"
        f'<ul class="seed-scores">{scores}</ul>\n'
    )


def _commands(part: pd.DataFrame) -> str:
    """Return the commands that repeat the runs of a cell; of seeds that trained alone, from three on, only the first's."""
    together, alone = [], []
    for run in part.itertuples():
        (together if len(trained_together(run)) > 1 else alone).append(run)
    shown = 1 if len(alone) > 2 else len(alone)
    untold = [run.seed for run in alone[shown:]]
    commands = " ".join(map(_code, dict.fromkeys(map(repeat_of, together + alone[:shown]))))
    return f"{commands} and in the same way, one at a time, seeds {_seeds(untold)}" if untold else commands


def _check_link(site_root: str) -> str:
    return (
        f' <a class="site-only" hidden href="{site_root}/rerun.html#check-a-single-number">What repeats</a>'
    )


def _places(runs: pd.DataFrame, site_root: str) -> list[str]:
    """Links to the CSV files, and names of the Parquet files."""
    found = []
    for path in files_with(runs.key):
        link = f'<a class="site-only" hidden href="{site_root}/results/{path.stem}.csv">CSV</a>'
        found.append(f"{_code(f'results/{path.name}')} {link}")
    return found or ["not in <code>results/</code>"]


def _seeds(seeds: list[int]) -> str:
    return str(seeds[0]) if len(seeds) == 1 else seed_ranges(seeds).replace("-", " to ").replace(",", ", ")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _code(text: str) -> str:
    return f"<code>{html.escape(text)}</code>"
