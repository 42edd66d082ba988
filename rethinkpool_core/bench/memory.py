"""Memory of this process or of its GPU: the peak, and a limit."""

from __future__ import annotations

from pathlib import Path

import torch

_STATUS = Path("/proc/self/status")
_SHARE_OF_FREE = 0.6  # so that a measurement that needs more fails before the machine runs out of memory


def peak(device: torch.device) -> int:
    """Return the largest number of bytes since `reset_peak`: of the process, or on a GPU of its tensors."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if _STATUS.exists():  # on Linux, ru_maxrss includes the parent process
        (line,) = (line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def reset_peak(device: torch.device) -> int:
    """Reset the peak to the memory in use, where the system can (Linux, CUDA), and return it."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif _STATUS.exists():
        _STATUS.with_name("clear_refs").write_text("5")
    return peak(device)


def limit_memory() -> None:
    """Limit this process to 60 % of the memory that is free now, where the system can tell (Linux)."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        import resource

        (line,) = (line for line in meminfo.read_text().splitlines() if line.startswith("MemAvailable:"))
        limit = int(int(line.split()[1]) * 1024 * _SHARE_OF_FREE)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.RLIM_INFINITY))
