"""Peak memory of this process, or of the GPU that it uses."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def reset_peak(device: torch.device) -> int:
    """Reset the peak to the memory in use, on systems that allow it (Linux, CUDA), and return the bytes of the peak."""
    if device.type == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats(device)
    elif sys.platform == "linux":
        with suppress(OSError):  # not in every container
            Path("/proc/self/clear_refs").write_text("5")
    return peak_bytes(device)


def peak_bytes(device: torch.device) -> int:
    """Return the largest number of bytes since `reset_peak`, or since the process started; on a GPU those of its tensors."""
    if device.type == "cuda":
        import torch

        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "linux":  # where ru_maxrss includes the parent process
        found = re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())
        if found:
            return 1024 * int(found[1])
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
