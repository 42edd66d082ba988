"""The hyper-parameters of the paper for a model and a dataset."""

from __future__ import annotations

from rethinkpool_core.errors import UnknownNameError
from rethinkpool_core.paper.rows import TABLES, Row, table_rows

# The control has no table of its own: it is GRACLUS without the pooling, so it takes GRACLUS's row.
_TABLE_OF: dict[str, str] = {
    **{model: table for table in ("S2", "S3", "S4", "B") for model in TABLES[table].models},
    "NO-POOL": "S2",
}
# Where the paper names a setting differently from the models here.
_RENAMED = {"gnn_hidden_dim": "hidden_dim"}
_NOT_SETTINGS = ("model", "dataset", "source")


def stand_in(dataset: str) -> str:
    """Return the dataset of the paper whose settings ``dataset`` takes: itself, or a similar one.

    DIGITS is built like SMNIST and takes its row; a TU set outside the paper (``TU:<name>``) takes that of
    PROTEINS, the smallest TU set with node labels, and so do RINGS-1 to RINGS-3. None of these is the paper's choice.

    Raises UnknownNameError for a dataset that is none of these.
    """
    known = [str(row["dataset"]) for row in table_rows("S1")]
    if dataset in known:
        return dataset
    if dataset == "DIGITS":
        return "SMNIST"
    if dataset.startswith(("TU:", "RINGS-")):
        return "PROTEINS"
    raise UnknownNameError("dataset", dataset, [*known, "DIGITS", "RINGS-<radius>", "TU:<name>"])


def _row(model: str, dataset: str) -> tuple[str, Row]:
    try:
        table = _TABLE_OF[model]
    except KeyError:
        raise UnknownNameError("model", model, _TABLE_OF) from None
    printed_for = stand_in(dataset)
    rows = [row for row in table_rows(table) if row["dataset"] == printed_for]
    if table == "B":
        rows = [row for row in rows if row["model"] == model.removeprefix("N-")]
    return table, rows[0]


def settings(model: str, dataset: str) -> dict[str, int | tuple[int, ...]]:
    """Return the hyper-parameters of ``model`` on ``dataset``: Tables S2-S4 or, for Appendix B's models, the release.

    Keys by family: GRACLUS, COMPLEMENT and NO-POOL ``num_layers, hidden_dim, batch_size``; DIFFPOOL (both
    versions) ``num_pool_layers, hidden_dim, mlp_hidden_dim, batch_size``; MINCUTPOOL ``hidden_dim,
    batch_size``; GMN ``num_keys`` (a tuple, one entry per layer), ``num_heads, num_layers, hidden_dim,
    batch_size``. Datasets outside the paper take a stand-in's row (`stand_in`).

    Raises UnknownNameError for an unknown model or dataset.
    """
    _, row = _row(model, dataset)
    return {_RENAMED.get(k, k): v for k, v in row.items() if k not in _NOT_SETTINGS and v is not None}


def source_of(model: str, dataset: str) -> str:
    """Return the source of `settings` as text: ``"Table S2"``, or for a stand-in ``"Table S3, row PROTEINS"``.

    Raises UnknownNameError for an unknown model or dataset.
    """
    table, row = _row(model, dataset)
    title = TABLES[table].title
    return title if row["dataset"] == dataset else f"{title}, row {row['dataset']}"
