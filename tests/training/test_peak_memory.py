"""The peak is measured where the system tells it, and costs no run where it does not."""

from __future__ import annotations

import mmap
import sys
from pathlib import Path

import pytest
import torch

from rethinkpool_core.training.peak_memory import peak_bytes, reset_peak

CPU = torch.device("cpu")
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@linux
def test_a_peak_is_forgotten_by_a_reset():
    with mmap.mmap(-1, 2**27) as block:  # which goes back to the system, whatever malloc keeps
        for page in range(0, len(block), mmap.PAGESIZE):
            block[page] = 1
        high = peak_bytes(CPU)
    reset_peak(CPU)
    assert peak_bytes(CPU) < high - 2**26


@linux
def test_a_container_without_these_files(monkeypatch):
    def forbidden(path, text):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_text", forbidden)
    monkeypatch.setattr(Path, "read_text", lambda path: "Name: python\nVmRSS: 5 kB\n")
    reset_peak(CPU)
    assert peak_bytes(CPU) > 2**20


def test_each_gpu_has_a_peak_of_its_own(monkeypatch):
    second, asked = torch.device("cuda:1"), []
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device=None: asked.append(device))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device=None: asked.append(device) or 7)
    assert reset_peak(second) == peak_bytes(second) == 7 and asked == [second] * 3
