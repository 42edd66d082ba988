"""Tables of the book, written from the package's own data so that pages and package always agree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from rethinkpool_core.datasets.spec import DATASETS
from rethinkpool_core.experiments.grids import GRIDS, get_grid
from rethinkpool_core.paper import get_metric

TASKS = {"binary": "2 classes", "multiclass": "{} classes", "regression": "regression"}
FEATURES = {
    "one_hot": "node label, one-hot",
    "ones": "constant (ten ones)",
    "categorical": "OGB's atom and bond features",
    "dense": "intensity, row, column",
}


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table. ``None`` is an empty cell; the values of a tuple are joined by commas."""

    def cell(value: object) -> str:
        if isinstance(value, tuple):
            return ", ".join(map(str, value))
        return "" if value is None else str(value)

    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(cell, line)) + " |" for line in lines) + "\n"


def prose_table(header: Sequence[str], rows: Iterable[Sequence[object]], *, sorts: bool = True) -> str:
    """Return a MyST table of sentences, whose columns the style sheet keeps wide enough to read on a phone.

    sorts  whether readers can sort its rows
    """
    kind = "prose" if sorts else "prose no-sort"
    return f"```{{table}}\n:class: {kind}\n\n{markdown(header, rows)}```\n"


def raw_html(text: str) -> str:
    """Return HTML as a block of a Markdown page, without its empty lines, which would end the block."""
    inner = "\n".join(line for line in text.splitlines() if line.strip())
    return f"```{{raw}} html\n{inner}\n```\n"


def write_tables(folder: Path) -> None:
    """Write the tables ``datasets.md`` and ``grids.md``, which pages include."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {"datasets": _datasets(), "grids": _grids()}
    for name, text in tables.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")


def _datasets() -> str:
    rows = [
        [
            f"`{spec.name}`",
            TASKS[spec.task].format(spec.num_classes),
            get_metric(spec.metric).title,
            FEATURES[spec.features],
        ]
        for spec in DATASETS.values()
    ]
    return markdown(["dataset", "task", "metric", "node features"], rows)


def _grids() -> str:
    rows = [[f"`{name}`", f"{about} ({len(get_grid(name).cells)} cells)"] for name, about in GRIDS.items()]
    return prose_table(["grid", "contents"], rows)
