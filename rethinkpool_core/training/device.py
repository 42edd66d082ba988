"""Which device a run uses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from rethinkpool_core.errors import DeviceError


def resolve_device(name: str = "auto") -> torch.device:
    """``auto`` (CUDA where there is some, else the CPU), ``cpu``, ``cuda``, ``cuda:i`` or ``mps``.

    Raises DeviceError for another name or for a device that this machine lacks.
    """
    name = str(name)  # a torch.device too
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if not re.fullmatch(r"cpu|mps|cuda(:\d+)?", name):
        raise DeviceError(
            f"there is no device {name!r}: use auto, cpu, cuda, cuda:0 (or another number) or mps"
        )
    here = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        here.append("mps")
    full = "cuda:0" if name == "cuda" else name
    if full not in here:
        raise DeviceError(f"device {name!r} is not on this machine: here are {', '.join(here)}")
    return torch.device(full)


@contextmanager
def matmul_precision(tf32: bool) -> Iterator[None]:
    """Whether float32 matrix products on a GPU use TF32, for as long as this is entered; elsewhere they never do."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def device_name(device: torch.device) -> str:
    """For provenance: the device's own name."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type}, {torch.get_num_threads()} threads" if device.type == "cpu" else device.type
