"""Tables of section A.1: Table S1 counted beside the printed one, and what it does not show."""

from __future__ import annotations

from collections.abc import Mapping

from rethinkpool_core.datasets.counts import DatasetCounts
from rethinkpool_core.datasets.spec import DATASETS
from rethinkpool_core.paper import get_metric
from rethinkpool_core.site.tables import markdown

COLUMNS = {
    "num_graphs": "graphs",
    "num_classes": "classes",
    "num_node_features": "node features",
    "num_node_labels": "node labels",
    "avg_nodes": "mean nodes",
    "avg_edges": "mean edges",
}
_DECIMALS = {"MOLHIV": 1}  # of the printed means; the other rows have two
_COPIES = {
    "9b290e82c7dda60f4c2534b621423f12": (
        "The copy that was counted has 10000 other training molecules of the same collection, since the published ones were not "
        "available; validation and test molecules are the published ones."
    ),
    "019d8c0db132484e4defdc256fbd0108": (
        "Every node has eight edges, so the mean number of edges is eight times that of nodes. The superpixels of the copy that "
        "was counted were segmented again from the images; their total number differs by at most two in 100000."
    ),
}
"""Why the counts of a copy of the data, by its checksum, are not those of the published data."""

Counts = Mapping[str, DatasetCounts]


def in_order(counts: Counts) -> list[DatasetCounts]:
    """Return the counts in the order of Table S1, then those that need no download, then other datasets as they are given."""
    return [counts[name] for name in dict.fromkeys([*DATASETS, *counts]) if name in counts]


def table_s1(earlier: Counts, now: Counts) -> str:
    """Return Table S1: for each dataset the counted row, and below it the printed one.

    A counted number that is not the printed one is bold. Each row says whether it was counted ``now`` or ``earlier``, and ends
    with the first eight characters of the data's checksum.
    """
    rows = []
    for counts in in_order({**earlier, **now}):
        printed = counts.spec.published
        different = _different(counts)
        numbers = [f"**{text}**" if column in different else text for column, text in _texts(counts).items()]
        when = "now" if counts.name in now else "earlier"
        rows.append([f"`{counts.name}`", f"counted {when}", *numbers, f"`{counts.checksum[:8]}`"])
        if printed is not None:
            rows.append(["", "printed", *_texts(counts, printed).values(), ""])
    return markdown(["dataset", "", *COLUMNS.values(), "checksum"], rows)


def _texts(counts: DatasetCounts, values: Mapping | None = None) -> dict[str, str]:
    """Return the columns as text, of the counts or of other ``values``, means to as many decimals as are printed."""
    decimals = _DECIMALS.get(counts.name, 2)
    values = counts.statistics if values is None else values
    shown = {}
    for column in COLUMNS:
        value = values[column]
        mean = column.startswith("avg")
        shown[column] = "" if value is None else f"{value:.{decimals}f}" if mean else f"{value}"
    return shown


def _different(counts: DatasetCounts) -> list[str]:
    printed = counts.spec.published
    if printed is None:
        return []
    counted, expected = _texts(counts), _texts(counts, printed)
    return [column for column in COLUMNS if counted[column] != expected[column]]


def differences(counts: Counts) -> str:
    """Return a list of the counted numbers that are not the printed ones, and why where that is known of the copy of the data."""
    lines = []
    for one in in_order(counts):
        different = _different(one)
        if not different:
            continue
        counted, printed = _texts(one), _texts(one, one.spec.published)
        numbers = "; ".join(
            f"{COLUMNS[column]} {counted[column] or 'none'}, printed {printed[column] or 'none'}"
            for column in different
        )
        lines.append(f"- **{one.name}**: {numbers}. {_COPIES.get(one.checksum, '')}".rstrip())
    return "\n".join(lines) + "\n" if lines else "All counted numbers are the printed ones.\n"


def further_statistics(counts: Counts) -> str:
    """Return a table of statistics that Table S1 does not have.

    The score of a constant prediction is that of the best one over all graphs: what a model reaches that ignores its input.
    """
    header = [
        "dataset",
        "median nodes",
        "largest graph",
        "neighbours per node",
        "graphs without edges",
        "constant prediction",
    ]
    rows = []
    for one in in_order(counts):
        nodes = sum(one.degrees.values())
        degree = sum(value * count for value, count in one.degrees.items()) / nodes
        metric = get_metric(one.spec.metric)
        score = f"{metric.shown(one.constant)} ({metric.title})"
        rows.append([f"`{one.name}`", one.median_nodes, one.max_nodes, f"{degree:.1f}", one.no_edges, score])
    return markdown(header, rows)
