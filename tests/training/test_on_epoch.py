"""``train(..., on_epoch=callback)``: what the callback is given, and how its False or its exception ends training."""

from __future__ import annotations

import json

import pytest
from safetensors import safe_open

from rethinkpool_core.errors import DataError, UsageError
from rethinkpool_core.experiments.compact import compact
from rethinkpool_core.experiments.store import ResultStore
from rethinkpool_core.training import RunRecord

OPTIONS = {"max_epochs": 4, "batch_size": 20, "learning_rate": 0.01}


def stop_after(epoch):
    """A callback that stops at the end of this epoch."""
    return lambda report: report.epoch < epoch


def test_reports_are_the_curves_of_the_records(digits, run):
    reports = []
    options = OPTIONS | {"replicas": 2, "stop_patience": 2, "max_epochs": 8}
    records = run("N-MINCUTPOOL", digits(60), [1, 2, 3], on_epoch=reports.append, **options)
    for record in records:
        own = [report for report in reports if record.seed in report.seeds]
        assert [report.epoch for report in own] == list(range(1, record.epochs + 1))
        scores = [report.scores[record.seed] for report in own]
        for name in ("train_loss", "val_loss", "val_score"):
            assert [getattr(score, name) for score in scores] == record.curves[name]
        assert [score.learning_rate for score in scores] == record.curves["lr"]
        values = record.curves["val_score"]
        assert [score.best_val_score for score in scores] == [
            max(values[:n]) for n in range(1, len(values) + 1)
        ]
        assert scores[-1].test_score == record.test_score
        assert {score.error for score in scores} == {None}
    assert {tuple(report.seeds) for report in reports} <= {(1,), (2, 3), (2,), (3,)}
    assert all(report.seconds > 0 for report in reports)


def test_report_of_a_seed_that_fails(digits, run):
    reports = []
    options = OPTIONS | {"learning_rate": 1e300}
    (record,) = run("N-MINCUTPOOL", digits(60), [1], on_epoch=reports.append, **options)
    (score,) = (report.scores[1] for report in reports)
    assert score.error == record.error is not None
    assert score.best_val_score is score.test_score is None


@pytest.mark.parametrize("answer", [None, 0, "", True])
def test_only_false_itself_stops(answer, digits, run):
    (record,) = run("N-MINCUTPOOL", digits(60), [1], on_epoch=lambda report: answer, **OPTIONS)
    assert (record.epochs, record.stopped) == (4, False)


def test_stopped_records_show_the_state_so_far(digits, run):
    dataset = digits(60)
    full = run("N-MINCUTPOOL", dataset, [1, 2], replicas=2, **OPTIONS)
    for record, whole in zip(
        run("N-MINCUTPOOL", dataset, [1, 2], replicas=2, on_epoch=stop_after(2), **OPTIONS), full, strict=True
    ):
        assert (record.stopped, record.error, record.epochs) == (True, None, 2)
        assert record.curves["val_score"] == whole.curves["val_score"][:2]
        assert record.val_score == max(record.curves["val_score"])
        assert record.weights is not None
        assert not whole.stopped


def test_all_seeds_stop_those_that_had_not_begun_included(digits, run):
    first, second, third = run(
        "N-MINCUTPOOL", digits(60), [5, 6, 7], replicas=1, on_epoch=stop_after(3), **OPTIONS
    )
    assert [record.seed for record in (first, second, third)] == [5, 6, 7]
    assert (first.epochs, first.stopped) == (3, True)
    for record in (second, third):
        assert (record.epochs, record.best_epoch, record.stopped, record.error) == (0, 0, True, None)
        assert record.val_score is record.test_score is None
        assert record.curves == {}


def test_seed_that_finishes_in_the_epoch_of_the_stop_is_finished(digits, run):
    records = run("N-MINCUTPOOL", digits(60), [1, 2], on_epoch=stop_after(4), replicas=2, **OPTIONS)
    assert [(record.epochs, record.stopped) for record in records] == [(4, False)] * 2


def test_goes_on_from_the_checkpoint_of_a_stop(digits, run, tmp_path, assert_same):
    dataset, options = (
        digits(60),
        OPTIONS | {"checkpoint_every": 10, "checkpoint_dir": tmp_path, "replicas": 2},
    )
    stopped = run("N-MINCUTPOOL", dataset, [1, 2, 3], on_epoch=stop_after(2), **options)
    assert [record.epochs for record in stopped] == [2, 0, 0]
    again = run("N-MINCUTPOOL", dataset, [1, 2, 3], on_epoch=stop_after(2), **options)
    assert [(record.epochs, record.stopped) for record in again] == [(3, True), (0, True), (0, True)]
    (path,) = tmp_path.iterdir()
    with safe_open(path, "pt") as file:
        assert "stopped" not in str(file.metadata())
    records = run("N-MINCUTPOOL", dataset, [1, 2, 3], **options)
    whole = run("N-MINCUTPOOL", dataset, [1, 2, 3], replicas=2, **OPTIONS)
    for record, expected in zip(records, whole, strict=True):
        assert_same(record, expected)


class Broken(Exception):
    pass


@pytest.mark.parametrize("kind", [Broken, KeyboardInterrupt])
def test_exception_leaves_train_after_a_checkpoint(kind, digits, run, tmp_path, assert_same):
    dataset, epochs = digits(60), []

    def callback(report):
        epochs.append(report.epoch)
        if report.epoch == 3:
            raise kind

    options = OPTIONS | {"checkpoint_every": 10, "checkpoint_dir": tmp_path}
    with pytest.raises(kind):
        run("N-MINCUTPOOL", dataset, [1], on_epoch=callback, **options)
    epochs.clear()
    (record,) = run("N-MINCUTPOOL", dataset, [1], on_epoch=callback, **options)
    assert epochs == [4]
    assert_same(record, run("N-MINCUTPOOL", dataset, [1], **OPTIONS)[0])


def test_stopped_record_is_never_stored_as_a_finished_run(digits, run, tmp_path):
    (stopped,) = run("N-MINCUTPOOL", digits(60), [1], on_epoch=stop_after(2), **OPTIONS)
    assert RunRecord.from_dict(json.loads(stopped.to_json())) == stopped
    store = ResultStore(tmp_path / "store")
    store.prepare()
    with pytest.raises(DataError, match="seed 1 was stopped early, after epoch 2"):
        store.write(stopped)
    assert store.finished() == store.failed() == set()
    (finished,) = run("N-MINCUTPOOL", digits(60), [2], **OPTIONS)
    lines = tmp_path / "records.jsonl"
    lines.write_text(f"{stopped.to_json()}\n{finished.to_json()}\n")
    assert compact([lines], tmp_path / "folded.parquet") == 1


def test_callback_that_cannot_be_called(digits, run):
    with pytest.raises(UsageError, match="on_epoch"):
        run("N-MINCUTPOOL", digits(60), [1], on_epoch=3, **OPTIONS)
