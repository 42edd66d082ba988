"""Requests to stop, as by Ctrl-C, that take effect between two training steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

stop_event = threading.Event()
"""Set it to stop every training of this process that runs outside the main thread."""


@contextmanager
def stop_requests() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether SIGINT or SIGTERM was received; a second one raises KeyboardInterrupt at once.

    Outside the main thread, to which Python delivers no signals, the function returns whether `stop_event` is set.
    """
    received = False

    def receive(signum, frame):
        nonlocal received
        if received:
            raise KeyboardInterrupt
        received = True

    if threading.current_thread() is not threading.main_thread():
        yield stop_event.is_set
        return
    before = {number: signal.signal(number, receive) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
