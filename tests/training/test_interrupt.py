"""Requests to stop: signals in the main thread, an event in others."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from rethinkpool_core.training.interrupt import stop_event, stop_requests

OPTIONS = {"max_epochs": 3, "batch_size": 20}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_is_a_request_and_the_second_interrupts(number):
    with stop_requests() as stop_requested:
        assert not stop_requested()
        os.kill(os.getpid(), number)
        assert stop_requested()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)


def test_signal_handlers_are_restored(digits, run):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    run("N-MINCUTPOOL", digits(60), [1], **OPTIONS)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.parametrize("stop", [False, True])
def test_training_in_another_thread(stop, digits, run, tmp_path):
    outcome = []

    def train():
        try:
            outcome.append(run("N-MINCUTPOOL", digits(60), [1], checkpoint_dir=tmp_path, **OPTIONS)[0].epochs)
        except KeyboardInterrupt:
            outcome.append("stopped")

    if stop:
        stop_event.set()
    try:
        thread = threading.Thread(target=train)
        thread.start()
        thread.join()
    finally:
        stop_event.clear()
    assert outcome == ["stopped" if stop else 3]
