"""Peak memory of a task: of its process, or of the GPU it ran on."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def reset_peak(device: str) -> None:
    """Start a new measurement, on systems that allow it."""
    if (gpu := _gpu(device)) is not None:
        import torch

        torch.cuda.reset_peak_memory_stats(gpu)
    elif sys.platform == "linux":
        with suppress(OSError):  # not in every container
            Path("/proc/self/clear_refs").write_text("5")


def peak_bytes(device: str) -> int:
    """Largest memory in use since `reset_peak`, or since the process started."""
    if (gpu := _gpu(device)) is not None:
        import torch

        return torch.cuda.max_memory_allocated(gpu)
    if sys.platform == "linux":
        found = re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())
        if found:
            return 1024 * int(found[1])
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def _gpu(device: str) -> torch.device | None:
    from rethinkpool_core.training import resolve_device

    resolved = resolve_device(device)
    return resolved if resolved.type == "cuda" else None
