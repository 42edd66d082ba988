"""The setting reaches the C library: memory that is freed and taken again costs few page faults."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import resource, sys, torch
if sys.argv[1] == "kept":
    from rethinkpool_core.training.memory import configure_malloc
    assert configure_malloc()
def step():
    for _ in range(4):
        torch.ones(5_000_000)
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="stop_event there is nothing to set")
def test_page_faults():
    faults = {
        how: int(
            subprocess.run(
                [sys.executable, "-c", SCRIPT, how],
                capture_output=True,
                text=True,
                check=True,
                env={"MALLOC_TRIM_THRESHOLD_": "65536", "PATH": "", "PYTHONPATH": ":".join(sys.path)},
            ).stdout
        )
        for how in ("returned", "kept")
    }
    assert faults["returned"] > 100_000, "what Dask sets for its workers"
    assert faults["kept"] < faults["returned"] / 4
