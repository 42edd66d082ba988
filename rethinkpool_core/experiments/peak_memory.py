"""Peak memory of a task: of its process, or of the GPU it ran on."""

from __future__ import annotations

import sys
from pathlib import Path


def reset_peak(device: str) -> None:
    """Start a new measurement, on systems that allow it."""
    if _on_gpu(device):
        import torch

        torch.cuda.reset_peak_memory_stats()
    elif sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5")


def peak_bytes(device: str) -> int:
    """Largest memory in use since `reset_peak`, or since the process started."""
    if _on_gpu(device):
        import torch

        return torch.cuda.max_memory_allocated()
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text()
        return 1024 * int(status.partition("VmHWM:")[2].split()[0])
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def _on_gpu(device: str) -> bool:
    from rethinkpool_core.training import resolve_device

    return resolve_device(device).type == "cuda"
