"""Requests to stop: signals in the main thread, a function of the caller's in others."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from rethinkpool_core.training.interrupt import stop_requests, stop_when

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
            with stop_when(lambda: stop):
                records = run("N-MINCUTPOOL", digits(60), [1], checkpoint_dir=tmp_path, **OPTIONS)
            outcome.append(records[0].epochs)
        except KeyboardInterrupt:
            outcome.append("stopped")

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert outcome == ["stopped" if stop else 3]
