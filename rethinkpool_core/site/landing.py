"""The parts of the landing page that come from ``results/``: the verdicts in a sentence, what was found, and one picture."""

from __future__ import annotations

from pathlib import Path

from rethinkpool_core.analysis.collapsed_assignments import collapse, method_cells
from rethinkpool_core.figures.table_s5 import table_s5_forest
from rethinkpool_core.site.collapsed_assignments import equal_line
from rethinkpool_core.site.found import agreement, differences, equivalence, printed_line, verdict
from rethinkpool_core.site.provenance import provenance
from rethinkpool_core.site.table_s5 import GRID, TableS5, committed_runs, load_table_s5
from rethinkpool_core.site.tables import raw_html
from rethinkpool_core.site.when_pooling_matters import ring_comparisons, rings_line


def write_landing(folder: Path) -> None:
    """Write ``found-*.md``, which the landing page includes, from the committed runs."""
    folder.mkdir(parents=True, exist_ok=True)
    runs = committed_runs()
    parts = landing_parts(load_table_s5(runs))
    parts["lines"] += (
        f"- {equal_line(collapse(runs, method_cells(GRID)))}\n- {rings_line(ring_comparisons(runs))}\n"
    )
    for name, text in parts.items():
        (folder / f"found-{name}.md").write_text(text, encoding="utf-8")


def landing_parts(table: TableS5) -> dict[str, str]:
    """Return the parts in Markdown, by name: ``verdict``, ``lines`` and ``picture``."""
    figure = table_s5_forest(table.ours, table.printed)
    return {
        "verdict": f"**{verdict(table)}**\n",
        "lines": "".join(
            f"- {line(table)}\n" for line in (agreement, differences, equivalence, printed_line)
        ),
        "picture": raw_html(figure._repr_html_() + provenance(table.runs, GRID, site_root=".").html),
    }
