"""The tables of the supplementary as typed rows, read from the CSV files beside this module (no pandas)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from rethinkpool_core.errors import UnknownNameError

Cell = int | float | str | tuple[int, ...] | None
Row = dict[str, Cell]


@dataclass(frozen=True)
class Table:
    """A table of the supplementary.

    file     beside this module
    title    as printed
    caption  what it shows, in this project's words
    models   that its rows are about; none for Table S1
    """

    file: str
    title: str
    caption: str
    models: tuple[str, ...] = ()


_DIFFPOOL = ("DIFFPOOL", "U-DIFFPOOL", "N-DIFFPOOL", "B-DIFFPOOL")
_DIFFPOOL_INVARIANT = tuple(f"{name}-INV" for name in _DIFFPOOL[1:])

TABLES: dict[str, Table] = {
    "S1": Table("table_s1_datasets.csv", "Table S1", "Size, labels and average graph of each dataset."),
    "S2": Table(
        "table_s2_graclus.csv",
        "Table S2",
        "Settings of the models that pool by graph matching.",
        ("GRACLUS", "COMPLEMENT"),
    ),
    "S3": Table(
        "table_s3_diffpool.csv",
        "Table S3",
        "Settings of DIFFPOOL and of its randomised variants.",
        _DIFFPOOL + _DIFFPOOL_INVARIANT,
    ),
    "S4": Table(
        "table_s4_gmn.csv",
        "Table S4",
        "Settings of the memory layers of GMN and of its variants.",
        ("GMN", "DISTANCE-GMN", "RANDOM-GMN"),
    ),
    "S5": Table(
        "table_s5_results.csv",
        "Table S5",
        "Test scores (mean and standard deviation of twenty runs) of MINCUTPOOL and of the second DIFFPOOL, "
        "each beside its randomised twin.",
        ("MINCUTPOOL", "N-MINCUTPOOL", "DIFFPOOL-V2", "N-DIFFPOOL-V2"),
    ),
    "B": Table(
        "appendix_b.csv",
        "the authors' 2020 release (Appendix B)",
        "Settings of Appendix B's models, which the paper leaves to its code.",
        ("MINCUTPOOL", "N-MINCUTPOOL", "DIFFPOOL-V2", "N-DIFFPOOL-V2"),
    ),
}


def _cell(column: str, text: str) -> Cell:
    if text == "":
        return None
    if column == "num_keys":
        return tuple(int(part) for part in text.split())
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def get_table(table: str) -> Table:
    """Return the description of ``table`` ("S1" to "S5", or "B" for the release's settings of Appendix B).

    Raises UnknownNameError for any other name.
    """
    try:
        return TABLES[table]
    except KeyError:
        raise UnknownNameError("table", table, TABLES) from None


@cache
def _read(table: str) -> tuple[tuple[tuple[str, Cell], ...], ...]:
    source = files("rethinkpool_core.paper") / "tables" / get_table(table).file
    with source.open(encoding="utf-8", newline="") as lines:
        return tuple(tuple((k, _cell(k, v)) for k, v in row.items()) for row in csv.DictReader(lines))


def table_rows(table: str) -> list[Row]:
    """Return the rows of a table as printed, in the printed order: numbers as numbers, an empty cell as None.

    Raises UnknownNameError for an unknown table.
    """
    return [dict(row) for row in _read(table)]
