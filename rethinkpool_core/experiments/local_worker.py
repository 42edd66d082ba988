"""Set-up of the workers on this machine (a Dask preload)."""

import signal


def dask_setup(worker) -> None:
    """Ignore Ctrl-C, which reaches every process of a terminal: the caller decides what it means (`Engine.stop`)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
