"""How many workers a machine gets, and what each is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest
import torch

from rethinkpool_core.errors import DeviceError, RethinkPoolError
from rethinkpool_core.experiments import engine
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.plan import CellPlan, Plan, Task


def plan_of(*needs):
    cell = Cell("N-MINCUTPOOL", "DIGITS")
    cells = [
        CellPlan(cell, [Task(cell, (1,))], todo=1, finished=[], failed=[], peak_bytes=need) for need in needs
    ]
    return Plan(None, cells)


@pytest.mark.parametrize(
    ("cores", "memory", "needs", "workers"),
    [
        (8, 64e9, [1e9], 8),
        (8, 64e9, [1e9, 20e9], 2),  # the largest task decides
        (8, 16e9, [20e9], 1),  # one is always tried
        (1, 64e9, [1e9], 1),
    ],
)
def test_workers_by_cores_and_memory(cores, memory, needs, workers, monkeypatch):
    monkeypatch.setattr(engine.os, "cpu_count", lambda: cores)
    monkeypatch.setattr(engine, "total_memory", lambda: memory)
    assert engine.local_workers(plan_of(*needs)) == workers


def test_finished_cells_need_no_memory(monkeypatch):
    monkeypatch.setattr(engine.os, "cpu_count", lambda: 4)
    monkeypatch.setattr(engine, "total_memory", lambda: 10e9)
    plan = plan_of(1e9, 50e9)
    plan.cells[1].todo = 0
    assert engine.local_workers(plan) == 4


def test_devices(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert engine.local_devices("cpu") == ("cpu", [])
    with pytest.raises(DeviceError):
        engine.local_devices("tpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert engine.local_devices("auto") == ("cuda", ["0", "1", "2", "3"])
    assert engine.local_devices("cuda:2") == ("cuda", ["2"])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7,8,9")  # as a cluster hands them out
    assert engine.local_devices("cuda:1") == ("cuda", ["7"])
    assert engine.local_devices("auto") == ("cuda", ["5", "7", "8", "9"])


def test_each_worker_sees_one_gpu():
    """Real workers, which need no GPU to be told which one is theirs."""
    from distributed import Client

    with engine.gpu_cluster(["5", "7"]) as cluster, Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        assert sorted(client.run(os.getenv, "CUDA_VISIBLE_DEVICES").values()) == ["5", "7"]


@pytest.fixture
def interruptible():
    """Ctrl-C raises KeyboardInterrupt, also where the tests were started in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("others", [False, True], ids=["alone", "beside another thread"])
def test_ctrl_c_waits_while_workers_start_and_never_reaches_them(others, interruptible):
    """Also where the signal may be given to another thread, as that of a notebook or of an earlier grid."""
    ended = threading.Event()
    if others:
        threading.Thread(target=ended.wait, daemon=True).start()
    blocked = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    reached = False
    with pytest.raises(KeyboardInterrupt):
        with engine._ctrl_c_held_back():
            os.kill(os.getpid(), signal.SIGINT)
            child = subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True)
            reached = True
    ended.set()
    assert reached and child.stdout == "True\n"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_workers_that_always_end_while_they_start_are_told_in_a_sentence():
    tried = []

    def start():
        tried.append(1)
        raise RuntimeError("Nanny failed to start.") from OSError("no memory")

    with pytest.raises(RethinkPoolError, match=r"while they are started \(no memory\).*give fewer --workers"):
        engine._started(start)
    assert len(tried) == engine.MAX_WORKER_DEATHS
