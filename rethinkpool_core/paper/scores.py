"""The paper's printed numbers: ``published("S5", "MINCUTPOOL", "NCI1")``."""

from __future__ import annotations

from dataclasses import dataclass

from rethinkpool_core.errors import UnknownNameError, UsageError
from rethinkpool_core.paper.metrics import get_metric
from rethinkpool_core.paper.rows import Row, get_table, table_rows


@dataclass(frozen=True)
class PublishedScore:
    """One cell of Table S5: mean and standard deviation of twenty runs.

    Accuracy and ROC-AUC are in percent, as printed; the mean absolute error (``mae``) is in the unit of the target.
    """

    model: str
    dataset: str
    metric: str
    mean: float
    std: float

    def __str__(self) -> str:
        digits = get_metric(self.metric).digits
        return f"{self.mean:.{digits}f} ± {self.std:.{digits}f}"


def published(
    table: str, model: str | None = None, dataset: str | None = None
) -> PublishedScore | Row | list[PublishedScore] | list[Row]:
    """Return the numbers of one table as printed, all of them or those of a model and a dataset.

    Table S5 has a `PublishedScore` per row, the others a dict. A single row, selected by its dataset (Tables S1-S4) or by
    model and dataset (S5 and "B"), is returned alone, else a list in the printed order. ``model`` may be any of the models
    whose settings Tables S2-S4 give.

    Raises UnknownNameError for a table, model or dataset that is not printed there, and UsageError for a model in Table
    S1, which has none.
    """
    description = get_table(table)
    rows = table_rows(table)
    has_model_column = "model" in rows[0]
    where = f"in {description.title}"
    if model is not None:
        if not description.models:
            raise UsageError(f"{description.title} is about datasets: ask it without a model (got {model!r})")
        if model not in description.models:
            raise UnknownNameError("model", model, description.models, where=where)
        if has_model_column:
            printed = {row["model"] for row in rows}
            # "B" has one row for a model and its randomised twin, which differ only in the assignment
            named = model if model in printed else model.removeprefix("N-")
            rows = [row for row in rows if row["model"] == named]
    if dataset is not None:
        known = list(dict.fromkeys(str(row["dataset"]) for row in rows))
        if dataset not in known:
            raise UnknownNameError("dataset", dataset, known, where=where)
        rows = [row for row in rows if row["dataset"] == dataset]
    answer = [PublishedScore(**row) for row in rows] if table == "S5" else rows
    single = dataset is not None and (model is not None or not has_model_column)
    return answer[0] if single else answer
