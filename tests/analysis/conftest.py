"""A table of runs: twins on three datasets, whose splits are of different kinds."""

from __future__ import annotations

import pytest
from analysis.samples import runs_of

from rethinkpool_core.experiments.cell import Cell


@pytest.fixture(scope="module")
def runs():
    return runs_of(
        (Cell("MINCUTPOOL", "PROTEINS"), 0.740),
        (Cell("N-MINCUTPOOL", "PROTEINS"), 0.739),
        (Cell("DIFFPOOL-V2", "ZINC"), 0.50),
        (Cell("N-DIFFPOOL-V2", "ZINC"), 0.40),
        (Cell("MINCUTPOOL", "MOLHIV"), 0.72),
        (Cell("N-MINCUTPOOL", "MOLHIV"), 0.72),
    )
