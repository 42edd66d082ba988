"""`configure_malloc` reaches the C library: memory that is freed and allocated again causes few page faults."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from rethinkpool_core import build_model
from rethinkpool_core.bench.implementations import Ours
from rethinkpool_core.training.config import training_config
from rethinkpool_core.training.memory import configure_malloc
from rethinkpool_core.training.setup import TrainingSetup

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


@pytest.mark.skipif(sys.platform != "linux", reason="these are settings of glibc")
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


def configured() -> bool:
    """Whether `configure_malloc` has been called since its cache was cleared."""
    return configure_malloc.cache_info().currsize > 0


def test_what_trains_sets_it_and_no_constructor(digits, run):
    dataset = digits(60)
    configure_malloc.cache_clear()
    TrainingSetup(
        build_model("NO-POOL", dataset), dataset, training_config("NO-POOL", "DIGITS"), torch.device("cpu")
    )
    side = Ours("MINCUTPOOL", dataset, torch.device("cpu"), [1])
    assert not configured()
    side.warm_up()
    assert configured()
    configure_malloc.cache_clear()
    run("NO-POOL", dataset, [1], max_epochs=1)
    assert configured()
