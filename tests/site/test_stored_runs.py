"""Runs for notebooks: committed, of a store, or trained."""

from __future__ import annotations

import pytest
from analysis.samples import runs_of

from rethinkpool_core import load_dataset, train
from rethinkpool_core.errors import RethinkPoolError, UnknownNameError
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.frame import load_results
from rethinkpool_core.experiments.runner import Report
from rethinkpool_core.site import stored_runs as module
from rethinkpool_core.site.initial_convolutions import gaps_table, printed_gap
from rethinkpool_core.site.notebooks import project_folder
from rethinkpool_core.site.stored_runs import frame_of, stored_runs


def test_committed_runs_of_a_grid_and_its_datasets():
    committed = load_results(project_folder() / "results")
    assert set(stored_runs("table-s5", datasets="PROTEINS").dataset) == {"PROTEINS"}
    found = stored_runs("table-s5")
    assert set(found.key) <= set(committed.key) and len(found) >= 180


def test_an_unknown_dataset(tmp_path):
    with pytest.raises(UnknownNameError, match="IMDB"):
        stored_runs("table-s5", datasets="IMDB", store=str(tmp_path))


def test_rerun_trains_what_the_store_lacks(monkeypatch, tmp_path):
    asked = {}

    def fake(grid, store, **options):
        asked.update(grid=grid, store=store, **options)
        return Report(found=0)

    monkeypatch.setattr(module, "run_grid", fake)
    found = stored_runs(
        "table-s5", rerun=True, datasets="PROTEINS", seeds=3, store=str(tmp_path), device="cpu"
    )
    assert found.empty and asked["store"] == str(tmp_path) and asked["device"] == "cpu"
    assert asked["grid"].seeds == (1, 2, 3) and {cell.dataset for cell in asked["grid"].cells} == {"PROTEINS"}


def test_runs_that_fail_are_named(monkeypatch, tmp_path):
    report = Report(found=0)
    report.failures["GMN on NCI1, seed 3"] = "out of memory"
    monkeypatch.setattr(module, "run_grid", lambda *arguments, **options: report)
    with pytest.raises(RethinkPoolError, match="1 run failed, first GMN on NCI1, seed 3: out of memory"):
        stored_runs("table-s5", rerun=True, store=str(tmp_path))


def test_records_as_a_table(tmp_path):
    data = load_dataset("DIGITS", tmp_path)
    records = train("NO-POOL", data, [3, 4], max_epochs=1, batch_size=512, device="cpu", progress=False)
    frame = frame_of(records)
    assert frame.seed.tolist() == [3, 4] and frame.test_score.tolist() == [one.test_score for one in records]
    assert frame.config.iloc[0] == records[0].to_dict()["config"] and "val_loss" in frame.curves.iloc[0]


def test_table_of_initial_convolutions():
    runs = runs_of(
        *(
            (Cell(model, "SMNIST", {"initial_convolutions": 2}), mean)
            for model, mean in (("MINCUTPOOL", 0.9), ("N-MINCUTPOOL", 0.8))
        )
    )
    rows = [line.replace("\u00a0", " ").split(" | ") for line in gaps_table(runs).splitlines()[2:]]
    assert rows[0][0] == "| 1" and rows[0][1:3] == ["not run yet", "not run yet"]
    mean = 100 * runs[runs.model == "MINCUTPOOL"].test_score.mean()
    assert rows[1][1].startswith(f"{mean:.1f} ± ") and rows[1][3] == "20" and rows[1][5] == "different |"


def test_the_printed_gap():
    assert (
        "89.3 ± 1.0" in printed_gap()
        and "82.0 ± 1.6" in printed_gap()
        and "-7.3 (-8.2 to -6.4)" in printed_gap()
    )
