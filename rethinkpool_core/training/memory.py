"""What a process does with memory that a step has freed and the next one asks for again."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

KEPT = 2**30  # bytes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's mallopt


@cache
def configure_malloc() -> bool:
    """Let this process keep up to `KEPT` bytes that it has freed; whether its C library can be told so (glibc's can).

    A step frees and takes hundreds of megabytes. Given back to the system they return page by page, which was a tenth of a
    step, and half of it in Dask's workers, whose environment tells the library to give back all it can.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    return mallopt is not None and bool(mallopt(_MMAP_THRESHOLD, KEPT) and mallopt(_TRIM_THRESHOLD, KEPT))
