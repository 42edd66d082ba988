"""Loaded by each worker of this machine as it starts (a Dask preload)."""

import signal


def dask_setup(worker) -> None:
    """Ctrl-C reaches every process of a terminal; what it asks for is the caller's to pass on (`Engine.stop`)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
