"""Real processes that are killed or interrupted at any moment and started again give the record of an undisturbed run."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import rethinkpool_core
from rethinkpool_core.training import RunRecord

SOURCE = Path(rethinkpool_core.__file__).parents[1]


def environment(data_folder) -> dict[str, str]:
    paths = [str(SOURCE), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    more = {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "RETHINKPOOL_DATA": str(data_folder),
        "OMP_NUM_THREADS": "1",
    }
    return os.environ | more


class Worker:
    def __init__(self, data_folder, tmp_path, digits):
        digits(10)  # the packed file exists
        self.data_folder, self.tmp_path = data_folder, tmp_path
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("worker.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=environment(data_folder),
        )

    def run(
        self,
        checkpoint_dir,
        *,
        after=None,
        once_saved=False,
        number=signal.SIGKILL,
        name="MINCUTPOOL",
        model=None,
        seeds=(1, 2, 3),
        **options,
    ):
        """Train in a process; return its exit code, its records (None if there are none) and its seconds.

        The process receives the signal ``number`` after ``after`` seconds, with ``once_saved`` after the first checkpoint.
        """
        out = self.tmp_path / "records.json"
        out.unlink(missing_ok=True)
        job = {
            "root": str(self.data_folder),
            "graphs": 60,
            "name": name,
            "model": model or {},
            "seeds": list(seeds),
            "checkpoint_dir": str(checkpoint_dir),
            "out": str(out),
            "options": {"batch_size": 12, "learning_rate": 0.01} | options,
        }
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        pid, start = int(self.process.stdout.readline()), time.monotonic()
        if after is not None or once_saved:
            while (
                once_saved and not any(checkpoint_dir.glob("*.safetensors")) and time.monotonic() < start + 60
            ):
                time.sleep(0.001)
            time.sleep(after or 0)
            # The child may have ended; its id, so recently used, belongs to no other process.
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        code = int(self.process.stdout.readline())
        records = (
            [RunRecord.from_dict(record) for record in json.loads(out.read_text())] if out.exists() else None
        )
        return code, records, time.monotonic() - start


@pytest.fixture
def worker(data_folder, tmp_path, digits):
    worker = Worker(data_folder, tmp_path, digits)
    yield worker
    worker.process.stdin.close()
    worker.process.wait()
    worker.process.stdout.close()


GMN = {"num_keys": [4, 1], "num_heads": 2, "purity_period": 2}
CASES = {
    "one at a time": {"name": "MINCUTPOOL", "max_epochs": 8},
    "side by side": {"name": "DIFFPOOL-V2", "max_epochs": 8, "replicas": 2},
    "keys and the rest": {"name": "GMN", "model": GMN, "max_epochs": 8, "replicas": 3, "checkpoint_every": 2},
}


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("case", CASES)
def test_stopped_six_times(case, number, worker, tmp_path, assert_same):
    _, expected, seconds = worker.run(tmp_path / "whole", **CASES[case])
    moments, codes = random.Random(case), []
    for _ in range(6):
        codes.append(
            worker.run(
                tmp_path / "killed", after=moments.uniform(0.02, 0.5) * seconds, number=number, **CASES[case]
            )[0]
        )
    killed = -9 if number == signal.SIGKILL else 130
    assert killed in codes and set(codes) <= {0, killed}
    code, records, _ = worker.run(tmp_path / "killed", **CASES[case])
    assert code == 0
    for record, other in zip(records, expected, strict=True):
        assert_same(record, other)


def test_killed_once(worker, tmp_path, assert_same):
    """The quick form of the test above."""
    options = {"max_epochs": 12, "seeds": [1]}
    _, expected, _ = worker.run(tmp_path / "whole", **options)
    code, _, _ = worker.run(tmp_path / "killed", once_saved=True, **options)
    assert code == -9
    code, records, _ = worker.run(tmp_path / "killed", **options)
    assert code == 0
    assert_same(records[0], expected[0])


@pytest.mark.slow
def test_interrupted_command_resumes(data_folder, digits, tmp_path, assert_same):
    digits(10)

    def command(folder, *, interrupt: bool):
        out = tmp_path / f"{folder}.json"
        words = [
            "N-MINCUTPOOL",
            "DIGITS",
            "--seeds",
            "1",
            "--max-epochs",
            "3",
            "--device",
            "cpu",
            "--set",
            "batch_size=4",  # long epochs, to interrupt one
        ]
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import sys; from rethinkpool_core.cli import main; sys.exit(main())",
                "train",
                *words,
                "--checkpoint-dir",
                str(tmp_path / folder),
                "--json",
                str(out),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=environment(data_folder),
        )
        said = ""
        if interrupt:
            said = process.stderr.readline()
            assert "epoch 1" in said
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
        rest = process.communicate()[1]
        return process.returncode, said + rest, out

    code, said, out = command("stopped", interrupt=True)
    assert code == 130
    assert said.splitlines()[-1].startswith("error: ") and "Traceback" not in said
    assert not out.exists()
    (file,) = (tmp_path / "stopped").iterdir()
    from safetensors import safe_open

    with safe_open(file, "pt") as opened:
        values = json.loads(opened.metadata()["seeds"])["1"]
    assert values["epoch"] == 1 and values["step"] > 0, "saved within an epoch"
    code, _, resumed = command("stopped", interrupt=False)
    assert code == 0
    code, _, whole = command("whole", interrupt=False)
    assert code == 0
    records = [RunRecord.from_dict(json.loads(path.read_text())[0]) for path in (resumed, whole)]
    assert_same(*records)
