"""The device on which a model is trained."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from rethinkpool_core.errors import DeviceError


def resolve_device(name: str = "auto") -> torch.device:
    """Return the device of this name: ``auto`` (CUDA if there is a GPU, else the CPU), ``cpu``, ``cuda``, ``cuda:i`` or ``mps``.

    Raises DeviceError for another name, or for a device that this machine does not have.
    """
    name = str(name)  # a torch.device too
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if not re.fullmatch(r"cpu|mps|cuda(:\d+)?", name):
        raise DeviceError(
            f"there is no device {name!r}: use auto, cpu, cuda, cuda:0 (or another number) or mps"
        )
    available = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        available.append("mps")
    full = "cuda:0" if name == "cuda" else name
    if full not in available:
        raise DeviceError(f"device {name!r} is not on this machine: there are {', '.join(available)}")
    return torch.device(full)


@contextmanager
def matmul_precision(tf32: bool) -> Iterator[None]:
    """Let float32 matrix products on a GPU use TF32 or not, within a ``with`` block."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def device_name(device: torch.device) -> str:
    """Return a name of the device for provenance: the GPU's own, or the CPU with its number of threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type}, {torch.get_num_threads()} threads" if device.type == "cpu" else device.type


def processor_name() -> str:
    """Return the name of the processor, on which the last digits of sums depend."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
