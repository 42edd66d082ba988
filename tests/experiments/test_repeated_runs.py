"""Committed runs can be repeated: the seeds that trained side by side then give the same curves again.

To the last bit this holds on the same kind of CPU at the commit of the record. Others may sum in another order, which training
amplifies. On PROTEINS, MINCUTPOOL and its twin keep five digits over the first epochs on CPUs, and these are compared; on IMDB-B
a few seeds keep two. DIFFPOOL-V2 keeps two over one epoch in float32, and on IMDB-B no more over two epochs in float64.

Of seeds trained on a GPU most keep six digits here, and on IMDB-B a few keep two, so the median over the seeds is compared.
"""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from rethinkpool_core import load_dataset, load_results, train
from rethinkpool_core.experiments.grids import get_grid

RESULTS = Path(__file__).parents[2] / "results"


@pytest.fixture(scope="module")
def committed():
    """Committed runs of MINCUTPOOL and its twin on the smaller datasets."""
    grid = get_grid("table-s5").restricted(["MINCUTPOOL", "N-MINCUTPOOL"], ["IMDB-B", "PROTEINS"])
    runs = load_results(RESULTS, cells=[cell.digest for cell in grid.cells])
    runs["on_cpu"] = runs.provenance.map(lambda one: one["device"].startswith("cpu"))
    return runs[runs.provenance.map(lambda one: bool(one["side_by_side"]))]


def first_epochs(run, committed, root, epochs: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Train the seeds that trained side by side with ``run`` again: their curves (seeds, epochs) here and as committed."""
    dataset, seeds = load_dataset(run.dataset, root), run.provenance["side_by_side"]
    curves = committed[committed.cell == run.cell].set_index("seed").curves
    records = train(run.model, dataset, seeds, max_epochs=epochs, device="cpu", progress=False)
    return {
        name: (
            np.array([record.curves[name] for record in records]),
            np.array([curves[record.seed][name][:epochs] for record in records]),
        )
        for name in ("train_loss", "val_loss", "val_score")
    }


@pytest.mark.parametrize(
    ("model", "epochs"),
    [
        ("N-MINCUTPOOL", 1),
        pytest.param("N-MINCUTPOOL", 2, marks=pytest.mark.slow),
        pytest.param("MINCUTPOOL", 2, marks=pytest.mark.slow),
    ],
)
def test_first_epochs_of_a_committed_run(model, epochs, committed, whole_root):
    runs = committed[committed.on_cpu & (committed.dataset == "PROTEINS") & (committed.model == model)]
    run = runs.iloc[random.randrange(len(runs))]
    for name, (here, there) in first_epochs(run, committed, whole_root(run.dataset), epochs).items():
        # A score moves in steps of one graph among a hundred.
        tolerance = {"rtol": 0, "atol": 0.011} if name == "val_score" else {"rtol": 1e-3}
        assert np.allclose(here, there, **tolerance), name


@pytest.mark.slow
def test_first_epochs_of_a_run_on_a_gpu(committed, whole_root):
    runs = committed[~committed.on_cpu & (committed.dataset == "IMDB-B")]
    run = runs.iloc[random.randrange(len(runs))]
    for name, (here, there) in first_epochs(run, committed, whole_root(run.dataset), epochs=2).items():
        assert np.median(np.abs(here - there) / np.abs(there)) < 1e-4, name
