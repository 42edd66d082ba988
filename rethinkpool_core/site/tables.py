"""Tables of the book that say what the package says: written from its data, so that they cannot drift."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from rethinkpool_core.datasets.spec import DATASETS
from rethinkpool_core.paper import TABLES, published, table_rows

_TASKS = {"binary": "two classes", "multiclass": "{} classes", "regression": "a number"}
_METRICS = {"accuracy": "accuracy", "rocauc": "ROC-AUC", "mae": "mean absolute error"}
_FEATURES = {
    "one_hot": "node label, one-hot",
    "ones": "ten ones",
    "categorical": "atom and bond features of OGB",
    "dense": "intensity, row, column",
}
_SPLITS = {
    "stratified": "80/10/10 stratified, drawn from the seed",
    "published": "as published",
    "benchmark": "55000/5000/10000 as in the benchmark",
}


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; ``None`` is an empty cell, a tuple is written with commas."""

    def cell(value: object) -> str:
        if isinstance(value, tuple):
            return ", ".join(map(str, value))
        return "" if value is None else str(value)

    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(cell, line)) + " |" for line in lines) + "\n"


def write_tables(folder: Path) -> None:
    """Write ``datasets.md``, ``splits.md``, ``licences.md``, ``scores.md`` and the ``settings-*.md``."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {"datasets": _datasets(), "splits": _splits(), "licences": _licences(), "scores": _scores()}
    for key in ("S2", "S3", "S4", "B"):
        rows = table_rows(key)
        tables[f"settings-{key.lower()}"] = markdown(
            [name.replace("_", " ") for name in rows[0] if name != "source"],
            [[value for name, value in row.items() if name != "source"] for row in rows],
        )
    for name, text in tables.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")


def _datasets() -> str:
    return markdown(
        ["dataset", "to predict", "node features"],
        [
            [
                f"`{spec.name}`",
                f"{_TASKS[spec.task].format(spec.num_classes)}, by {_METRICS[spec.metric]}",
                _FEATURES[spec.features],
            ]
            for spec in DATASETS.values()
        ],
    )


def _splits() -> str:
    return markdown(["dataset", "split"], [[f"`{s.name}`", _SPLITS[s.split]] for s in DATASETS.values()])


def _licences() -> str:
    return markdown(
        ["dataset", "licence note"], [[f"`{spec.name}`", spec.licence] for spec in DATASETS.values()]
    )


def _scores() -> str:
    models = TABLES["S5"].models
    datasets = dict.fromkeys(str(row["dataset"]) for row in table_rows("S5"))
    rows = [[f"`{name}`", *(published("S5", model, name) for model in models)] for name in datasets]
    return markdown(["dataset", *models], rows)
