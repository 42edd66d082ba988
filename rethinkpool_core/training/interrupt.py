"""Requests to stop, as by Ctrl-C, that take effect between two training steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_stop_wanted: ContextVar[Callable[[], bool]] = ContextVar("stop_wanted", default=lambda: False)


@contextmanager
def stop_when(wanted: Callable[[], bool]) -> Iterator[None]:
    """Stop a training in this block, outside the main thread, once ``wanted`` returns True."""
    before = _stop_wanted.set(wanted)
    try:
        yield
    finally:
        _stop_wanted.reset(before)


@contextmanager
def stop_requests() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether SIGINT or SIGTERM was received; a second one raises KeyboardInterrupt at once.

    Outside the main thread, to which Python delivers no signals, the function is that of `stop_when`.
    """
    received = False

    def receive(signum, frame):
        nonlocal received
        if received:
            raise KeyboardInterrupt
        received = True

    if threading.current_thread() is not threading.main_thread():
        yield _stop_wanted.get()
        return
    before = {number: signal.signal(number, receive) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
