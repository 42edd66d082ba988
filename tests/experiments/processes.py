"""Real commands in processes of their own, to be killed, and what they leave in a store."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

import rethinkpool_core
from rethinkpool_core.experiments.store import ResultStore

SOURCE = Path(rethinkpool_core.__file__).parents[1]
COMMAND = [sys.executable, "-c", "import sys; from rethinkpool_core.cli import main; sys.exit(main())"]
DASK = [sys.executable, "-m", "dask"]


def environment(data_folder) -> dict[str, str]:
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH", "")])),
        "RETHINKPOOL_DATA": str(data_folder),
        "OMP_NUM_THREADS": "1",
        "DASK_DISTRIBUTED__DASHBOARD__LINK": "{host}:{port}",
    }


class GridProcess:
    """``rethinkpool grid ...`` in a process group of its own."""

    def __init__(self, store: Path, data_folder, *words: str):
        self.process = subprocess.Popen(
            [*COMMAND, "grid", *words, "--store", str(store)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(data_folder),
            cwd=store.parent,
            start_new_session=True,
        )

    def workers(self) -> list[psutil.Process]:
        """Processes that train, once they have started."""
        try:
            children = psutil.Process(self.process.pid).children()
            return [child for child in children if "spawn_main" in " ".join(child.cmdline())]
        except psutil.NoSuchProcess:
            return []

    def kill(self, whom: str, choose=lambda workers: workers[0]) -> None:
        """``group``, the ``caller`` with its scheduler, or one ``worker``."""
        try:
            if whom == "group":
                os.killpg(self.process.pid, signal.SIGKILL)
            elif whom == "caller":
                self.process.kill()
            elif workers := self.workers():
                choose(workers).kill()
        except (ProcessLookupError, psutil.NoSuchProcess):
            pass

    def end(self, timeout: float = 300) -> tuple[int, str, str]:
        """Exit code, standard output and errors, once it has ended."""
        try:
            out, errors = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.communicate()
            raise
        return self.process.returncode, out, errors


def trained(out: str) -> int:
    """How many runs a command says it has trained."""
    return int(re.search(r"(\d+) runs trained", out)[1])


def content(store: Path) -> dict[str, dict]:
    """Every finished run by its key, without clocks and commands; each must be there once."""
    files = [path for path in Path(store).glob("*.parquet")]
    found = {}
    for path in files:
        (row,) = ResultStore(store).rows_of(path)
        assert row["key"] == path.stem and row["key"] not in found
        curves = {name: values for name, values in row["curves"] if name != "train_seconds"}
        for name in ("seconds", "peak_bytes", "provenance"):
            del row[name]
        found[row["key"]] = row | {"curves": curves}
    return found


class Dask:
    """A scheduler and workers on loopback ports."""

    def __init__(self, data_folder, folder: Path):
        self.data_folder, self.folder, self.started = data_folder, folder, []
        self.scheduler = self._start(
            "scheduler",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--no-dashboard",
            "--scheduler-file",
            "scheduler.json",
        )
        deadline = time.monotonic() + 60
        while not (folder / "scheduler.json").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        import json

        self.address = json.loads((folder / "scheduler.json").read_text())["address"]

    def worker(self) -> subprocess.Popen:
        return self._start(
            "worker", self.address, "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1", "--no-nanny"
        )

    def _start(self, *words: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [*DASK, *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(self.data_folder),
            cwd=self.folder,
        )
        self.started.append(process)
        return process

    def close(self) -> None:
        for process in reversed(self.started):
            process.kill()
            process.wait()
