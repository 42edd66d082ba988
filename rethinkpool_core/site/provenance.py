"""The line under a table or figure of stored results: which runs it shows, what made them, and how to repeat each."""

from __future__ import annotations

import html
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rethinkpool_core.analysis.tables import settings_of
from rethinkpool_core.experiments.repeat import grid_commands, seed_ranges
from rethinkpool_core.paper import get_metric
from rethinkpool_core.site.results_csv import files_with, repeat_of, versions_text

if TYPE_CHECKING:
    import pandas as pd


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

    A line gives the number of runs and seeds, commits, devices, versions, the command that repeats them and where they are. Below
    it, folded, every cell has the command that trains it again and the test score of each seed.

    runs         rows of `load_results`
    grid         name of the grid whose runs they are; None for runs that the page itself trained
    site_root    relative path from the page to the root of the site: ".." from a notebook, "." from a page at the root
    every_seed   whether to list the seeds; not again under a second table of the same runs

    The CSV files, which only the site has (`write_results_csv`), are linked there; elsewhere the line names the Parquet files.
    """
    if runs.empty:
        command = _code(f"rethinkpool grid {grid}")
        return Provenance(f'<div class="provenance"><p>Not run yet: {command}</p></div>')
    records = list(runs.provenance)
    seeds = sorted(set(runs.seed))
    cells = runs.cell.nunique()
    facts = [
        f"{_count(len(runs), 'run')} of {_count(cells, 'cell')}, seeds {_seeds(seeds)}",
        f"commit {_several(_code((one.get('commit') or 'not known')[:9]) for one in records)}",
        _several(html.escape(f"{one.get('device')}, {one.get('machine')}") for one in records),
        _several(html.escape(versions_text(one)) for one in records),
    ]
    if grid is None:
        facts.append("trained for this page")
    else:
        facts.append(f"repeat all: {' and '.join(map(_code, grid_commands(grid, runs)))}")
        facts += _places(runs, site_root)
    failed = int(runs.error.notna().sum())
    if failed:
        facts.insert(1, f"{failed} failed")
    line = f"<p>{' · '.join(facts)}</p>\n"
    if every_seed:
        cells_html = "".join(_cell(part, name) for name, part in _by_cell(runs))
        line += (
            "<details><summary>Every seed: scores, and the command that repeats them</summary>\n"
            f"{cells_html}</details>\n"
        )
    return Provenance(f'<div class="provenance">\n{line}</div>')


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
    commands = dict.fromkeys(repeat_of(run) for run in part.itertuples())
    return (
        f"<p>{html.escape(name)}: test {metric.label} by seed. {' '.join(map(_code, commands))}</p>\n"
        f'<ul class="seed-scores">{scores}</ul>\n'
    )


def _places(runs: pd.DataFrame, site_root: str) -> list[str]:
    """Links to the CSV files, and names of the Parquet files."""
    found = []
    for path in files_with(runs.key):
        link = f'<a class="site-only" hidden href="{site_root}/results/{path.stem}.csv">CSV</a>'
        found.append(f"{_code(f'results/{path.name}')} {link}")
    return found or ["not in <code>results/</code>"]


def _several(texts) -> str:
    """Different texts from the most frequent to the rarest."""
    return ", ".join(text for text, _ in Counter(texts).most_common())


def _seeds(seeds: list[int]) -> str:
    return str(seeds[0]) if len(seeds) == 1 else seed_ranges(seeds).replace("-", " to ").replace(",", ", ")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _code(text: str) -> str:
    return f"<code>{html.escape(text)}</code>"
