"""How the C library of a process treats freed memory, which decides how much time training steps spend on page faults."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

KEPT_BYTES = 2**30

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's mallopt


@cache
def configure_malloc() -> bool:
    """Let this process keep up to `KEPT_BYTES` that it has freed, and return whether that was possible (with glibc it is).

    A training step frees and allocates hundreds of megabytes. If they are returned to the system, they come back page by page,
    which took a tenth of a step, and half of it in Dask workers, whose environment tells the library to return all it can.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    return bool(mallopt(_MMAP_THRESHOLD, KEPT_BYTES) and mallopt(_TRIM_THRESHOLD, KEPT_BYTES))
