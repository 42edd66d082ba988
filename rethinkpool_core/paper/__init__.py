"""The numbers and statements of the paper as data: Tables S1-S5, the settings of the release for Appendix B, claims, metrics."""

from __future__ import annotations

from rethinkpool_core.paper.claims import CLAIMS, Claim
from rethinkpool_core.paper.metrics import METRICS, Metric, get_metric
from rethinkpool_core.paper.rows import TABLES, Table, get_table, table_rows
from rethinkpool_core.paper.scores import PublishedScore, published
from rethinkpool_core.paper.settings import settings, source_of, stand_in

__all__ = [
    "CLAIMS",
    "METRICS",
    "TABLES",
    "Claim",
    "Metric",
    "PublishedScore",
    "Table",
    "get_metric",
    "get_table",
    "published",
    "settings",
    "source_of",
    "stand_in",
    "table_rows",
]
