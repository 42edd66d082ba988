"""A limit on the memory of this process."""

from __future__ import annotations

from pathlib import Path

_SHARE_OF_FREE = 0.6  # so that a measurement that needs more fails before the machine runs out of memory


def limit_memory() -> None:
    """Limit this process to 60 % of the memory that is free now, where the system can tell (Linux)."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        import resource

        (line,) = (line for line in meminfo.read_text().splitlines() if line.startswith("MemAvailable:"))
        limit = int(int(line.split()[1]) * 1024 * _SHARE_OF_FREE)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.RLIM_INFINITY))
