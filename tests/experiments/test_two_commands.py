"""What one command makes of runs that another one has finished since its plan was made."""

from __future__ import annotations

from dataclasses import replace

from rethinkpool_core.experiments.locks import lock_runs
from rethinkpool_core.experiments.plan import Task, make_plan
from rethinkpool_core.experiments.progress import GridProgress


def test_they_are_not_locked_and_counted(store, cell, record_of):
    """Run 1 was finished before the plan and run 2 since."""
    for seed in (1, 2):
        store.write(record_of(cell, seed))
    runs = lock_runs(store, Task(cell, (1, 2, 3)), skipped={cell.key(1)})
    assert (runs.seeds, runs.finished) == ([3], 1)
    runs.release()


def test_progress_ends_with_all_runs_done_and_all_cells_complete(store, tiny, record_of, capsys):
    plan = make_plan(replace(tiny, seeds=(1,)), store, workers=1)
    others, own = plan.tasks
    with GridProgress(plan, "none", wanted=True) as shown:
        shown.found(others, 1)
        shown.started(own.seeds)
        shown.ended(own, own.seeds, [record_of(own.cell, 1)], seconds=1.0)
    assert "1 of 1 runs done, 0 running, 2 of 2 cells complete" in capsys.readouterr().err
