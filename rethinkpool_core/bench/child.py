"""One side of the comparison in a process of its own, for what a process alone can tell: its peak of memory.

``python -m rethinkpool_core.bench.child JOB`` takes a JSON object and prints one JSON object per line; `run_job` starts it and
reads them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from rethinkpool_core.errors import RethinkPoolError

_STATUS = Path("/proc/self/status")
_SHORT = 2.0  # seconds below which a measurement is repeated
_OF_MEMORY = 0.6  # of what is free now: a job that needs more ends, before the machine does


def run_job(job: dict[str, Any], timeout: float) -> list[dict[str, Any]]:
    """What ``job`` found; if it could not go on, the last entry is ``{"stopped": "time"}`` or ``{"stopped": "memory"}``.

    Raises RethinkPoolError when it failed for another reason.
    """
    command = [sys.executable, "-W", "ignore", "-m", "rethinkpool_core.bench.child", json.dumps(job)]
    try:
        ended = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        printed = (error.stdout or b"").decode()
        return [*_lines(printed), {"stopped": "time"}]
    if ended.returncode == 0:
        return _lines(ended.stdout)
    if ended.returncode < 0:  # killed, as the system does when memory runs out
        return [*_lines(ended.stdout), {"stopped": "memory"}]
    raise RethinkPoolError(f"a process of the benchmark failed ({(ended.stderr.splitlines() or ['?'])[-1]})")


def _lines(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.splitlines() if line.endswith("}")]


def main() -> None:
    import torch

    from rethinkpool_core.bench.datasets import random_graphs

    job = json.loads(sys.argv[1])
    torch.set_num_threads(job["threads"])
    if job["device"] == "cpu":
        _limit_memory()
    device = torch.device(job["device"])
    try:
        # What libraries load and set up on first use.
        _built(job | {"seeds": 1}, random_graphs(20, 10, 20), device).warm_up()
        for found in JOBS[job["job"]](job, device):
            print(json.dumps(found), flush=True)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        print(json.dumps({"stopped": "memory"}), flush=True)


def memory(job: dict[str, Any], device) -> Iterator[dict[str, Any]]:
    """Bytes that an epoch and its validation need at their peak."""
    from rethinkpool_core.bench.datasets import some_graphs
    from rethinkpool_core.datasets.dataset import load_dataset

    before = reset_peak(device)
    dataset = some_graphs(load_dataset(job["dataset"], job["root"]), job["graphs"])
    reset_peak(device)
    _built(job, dataset, device).warm_up()
    yield {"bytes": peak(device) - before}


def seeds(job: dict[str, Any], device) -> Iterator[dict[str, Any]]:
    """Seconds of a step for each seed, and bytes, as there are more seeds side by side."""
    from rethinkpool_core.bench.datasets import some_graphs
    from rethinkpool_core.datasets.dataset import load_dataset

    before, spent, last = reset_peak(device), 0.0, 1
    dataset = some_graphs(load_dataset(job["dataset"], job["root"]), job["graphs"])
    for number in job["numbers"]:
        if spent * number / last > job["patience"]:
            yield {"stopped": "time"}
            return
        reset_peak(device)
        side = _built(job | {"seeds": number}, dataset, device)
        spent, last = _seconds(side.train, device), number
        yield {"seeds": number, "seconds": _again(side, spent, device), "bytes": peak(device) - before}
        del side  # not beside the next one


def nodes(job: dict[str, Any], device) -> Iterator[dict[str, Any]]:
    """Seconds of a step for each seed, and bytes, as graphs grow; all graphs of a size have equally many nodes."""
    from rethinkpool_core.bench.datasets import random_graphs

    before, spent, last = reset_peak(device), 0.0, 1
    for size in job["sizes"]:
        # Steps of eight: the training graphs of a hundred are ten, those of ten are one.
        graphs = 100 if size <= 300 else 10
        if (
            spent * graphs * (size / last) ** 3 > job["patience"]
        ):  # nothing grows faster than its matrix products
            yield {"stopped": "time"}
            return
        dataset = random_graphs(graphs, size, size)
        reset_peak(device)
        side = _built(job, dataset, device)
        seconds = _seconds(side.train, device)
        yield {"nodes": size, "seconds": _again(side, seconds, device), "bytes": peak(device) - before}
        spent, last = seconds / graphs, size
        del side


def graphs(job: dict[str, Any], device) -> Iterator[dict[str, Any]]:
    """As the dataset grows: seconds to get ready, of the first epoch and of the second, and bytes."""
    from rethinkpool_core.bench.datasets import random_graphs

    before = reset_peak(device)
    for count in job["counts"]:
        dataset = random_graphs(count, 10, 50)
        reset_peak(device)
        side, ready = _timed_build(job, dataset, device)
        first, second = (_seconds(side.train, device) / len(side.seeds) for _ in range(2))
        yield {
            "graphs": count,
            "ready_seconds": ready,
            "first_seconds": first,
            "seconds": second,
            "bytes": peak(device) - before,
        }
        del side


JOBS = {"memory": memory, "seeds": seeds, "nodes": nodes, "graphs": graphs}


def _seconds(work: Callable[[], object], device) -> float:
    from rethinkpool_core.bench.clock import clock_of, measured

    return getattr(measured(work, device), clock_of(device))


def _again(side, spent: float, device) -> float:
    """Seconds of a step for each seed, from three more epochs if one is short, else from the one that took ``spent``."""
    seconds = spent if spent > _SHORT else median(_seconds(side.train, device) for _ in range(3))
    return seconds / side.steps / len(side.seeds)


def _timed_build(job: dict[str, Any], dataset, device):
    found = []
    seconds = _seconds(lambda: found.append(_built(job, dataset, device)), device)
    return found[0], seconds


def _built(job: dict[str, Any], dataset, device):
    from rethinkpool_core.bench.sides import Ours, Plain

    if job["side"] == "plain":
        return Plain(job["model"], dataset, device, batch_size=job["batch_size"])
    return Ours(job["model"], dataset, device, range(1, job["seeds"] + 1), job["batch_size"])


def peak(device) -> int:
    """Bytes: the most memory that this process has held since `reset_peak`; on a GPU, that its tensors have held there."""
    if device.type == "cuda":
        import torch

        return torch.cuda.max_memory_allocated(device)
    if _STATUS.exists():  # ru_maxrss of Linux counts the process that started this one
        (line,) = (line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def reset_peak(device) -> int:
    """Forget earlier peaks, where the system can (Linux, CUDA); the peak of here."""
    if device.type == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats(device)
    elif _STATUS.exists():
        _STATUS.with_name("clear_refs").write_text("5")
    return peak(device)


def _limit_memory() -> None:
    """Where the system can say how much memory is free, take no more than a part of it."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        import resource

        (line,) = (line for line in meminfo.read_text().splitlines() if line.startswith("MemAvailable:"))
        most = int(int(line.split()[1]) * 1024 * _OF_MEMORY)
        resource.setrlimit(resource.RLIMIT_DATA, (most, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main()
