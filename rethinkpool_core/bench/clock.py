"""Timing: processor time of this process, and wall-clock time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Seconds:
    process: float = 0.0
    wall: float = 0.0

    def __add__(self, other: Seconds) -> Seconds:
        return Seconds(self.process + other.process, self.wall + other.wall)

    def __mul__(self, factor: float) -> Seconds:
        return Seconds(self.process * factor, self.wall * factor)


def clock_of(device: torch.device) -> str:
    """Return the clock to compare by: "process" on one CPU thread, where other programs disturb it least, else "wall"."""
    return "process" if device.type == "cpu" and torch.get_num_threads() == 1 else "wall"


def measured(work: Callable[[], object], device: torch.device) -> Seconds:
    """Return the time of ``work()``, until the device has finished."""
    _wait(device)
    process, wall = time.process_time(), time.perf_counter()
    work()
    _wait(device)
    return Seconds(time.process_time() - process, time.perf_counter() - wall)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
