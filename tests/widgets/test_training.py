"""Live training: its curve moves with the epochs, and Stop ends it."""

from __future__ import annotations

import threading

import pytest

from rethinkpool_core.widgets import training
from rethinkpool_core.widgets.training import LiveTraining


@pytest.fixture
def live(tmp_path):
    made = LiveTraining(["DIGITS"], ["N-DIFFPOOL-V2"], seed=1, root=str(tmp_path))
    yield made
    made.stop()
    if made.thread is not None:
        made.thread.join(60)


@pytest.fixture
def pictures(live, monkeypatch):
    """Every picture that is shown, one per epoch."""
    monkeypatch.setattr(training, "SECONDS_PER_PICTURE", 0)
    shown = []
    live.picture.observe(lambda change: shown.append(change["new"]), names="value")
    return shown


def test_curve_has_one_more_epoch_in_every_picture(live, pictures):
    live.epochs.value = 3
    live.start()
    live.thread.join(120)
    assert [f"DIGITS: {n} epoch" in shown for n, shown in enumerate(pictures, start=1)] == [True] * 3
    assert live.status.value.startswith("RunRecord(N-DIFFPOOL-V2 on DIGITS, seed 1")
    assert (live.start_button.disabled, live.stop_button.disabled) == (False, True)


def test_stop_ends_the_training_with_its_epoch(live, pictures):
    live.epochs.value = 100
    second = threading.Event()
    live.picture.observe(lambda change: second.set() if len(live.reports) >= 2 else None, names="value")
    live.start()
    assert second.wait(120) and live.start_button.disabled and not live.stop_button.disabled
    epochs = len(live.reports)
    live.stop()
    live.thread.join(120)
    assert not live.thread.is_alive() and len(live.reports) <= epochs + 1
    assert live.status.value == f"Stopped after {len(live.reports)} epochs."
    assert not live.start_button.disabled


def test_a_second_training_begins_anew(live, pictures):
    for epochs in (2, 1):
        live.epochs.value = epochs
        live.start()
        live.thread.join(120)
    assert len(live.reports) == 1 and "1 epoch" in pictures[-1]


def test_start_while_training_does_nothing(live):
    live.epochs.value = 100
    live.start()
    first = live.thread
    live.start()
    assert live.thread is first


def test_dataset_that_is_not_here_is_a_sentence(tmp_path):
    live = LiveTraining(["FROG"], ["GMN"], root=str(tmp_path))
    live.start()
    live.thread.join(60)
    assert live.status.value == "Failed." and "FROG" in live.picture.value and not live.start_button.disabled
