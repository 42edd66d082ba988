"""One switch for the tests: compute everything as the equations are written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_as_written: ContextVar[bool] = ContextVar("as_written", default=False)


def is_as_written() -> bool:
    """Return whether `as_written` is in force."""
    return _as_written.get()


@contextmanager
def as_written() -> Iterator[None]:
    """Compute pooled graphs as matrices, convolve before averaging, precompute nothing and split nothing into chunks.

    Results are those of the engine's other ways, which the tests compare with these; only time and memory differ.
    """
    token = _as_written.set(True)
    try:
        yield
    finally:
        _as_written.reset(token)
