"""What the pages about models include: diagrams, tables of defaults, and the code that they show."""

from __future__ import annotations

import shutil
from pathlib import Path

from rethinkpool_core.figures.architecture import architectures, draw_architecture
from rethinkpool_core.figures.svg import FigureRow
from rethinkpool_core.site.model_tables import defaults_table
from rethinkpool_core.site.tables import raw_html

_DEFAULTS = {
    "graclus": ("GRACLUS", "COMPLEMENT"),
    "no-pool": ("NO-POOL",),
    "diffpool": ("DIFFPOOL", "U-DIFFPOOL", "N-DIFFPOOL", "B-DIFFPOOL"),
    "diffpool-v2": ("DIFFPOOL-V2", "N-DIFFPOOL-V2"),
    "mincutpool": ("MINCUTPOOL", "N-MINCUTPOOL"),
    "gmn": ("GMN", "DISTANCE-GMN", "RANDOM-GMN"),
}
_SHOWN = ("models", "ops", "reference")  # rooms of the package whose code is on the pages


def write_model_pages(pages: Path) -> None:
    """Write ``tables/diagram-*.md`` and ``tables/defaults-*.md``, and copy the code that pages show to ``code/``."""
    for model in architectures():
        diagram = raw_html(FigureRow([draw_architecture(model)])._repr_html_())
        (pages / "tables" / f"diagram-{model.lower()}.md").write_text(diagram, encoding="utf-8")
    for name, models in _DEFAULTS.items():
        (pages / "tables" / f"defaults-{name}.md").write_text(defaults_table(models), encoding="utf-8")
    package = Path(__file__).parents[1]
    for room in _SHOWN:
        shutil.copytree(package / room, pages / "code" / room, ignore=shutil.ignore_patterns("__pycache__"))
