"""The script for a machine with a GPU, run without one."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch

from rethinkpool_core.training import RunRecord

# What a machine with torch and PyG alone does not have.
WITHOUT = """
import runpy, sys, torch_geometric, torch._dynamo
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"typer", "rich", "platformdirs", "safetensors", "ogb", "sklearn"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
runpy.run_module("rethinkpool_core.bench.gpu", run_name="__main__", alter_sys=True)
"""


def script(*arguments: str, bare: bool = False) -> subprocess.CompletedProcess:
    start = ["-c", WITHOUT] if bare else ["-m", "rethinkpool_core.bench.gpu"]
    command = [sys.executable, *start, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=1800)


def test_needs_a_gpu_or_a_word(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    done = script("run", str(tmp_path), "--data", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("gpu.py: torch sees no CUDA device here")


def test_data_that_are_not_packed(tmp_path):
    done = script("run", str(tmp_path / "out"), "--data", str(tmp_path), "--device", "cpu")
    assert done.returncode == 2
    assert "bench.gpu pack" in done.stderr


@pytest.mark.slow
def test_all_parts_without_any_other_library(tmp_path):
    assert script("pack", str(tmp_path / "data"), "DIGITS").returncode == 0
    options = ["--datasets", "DIGITS", "--device", "cpu", "--seeds", "2", "--minutes", "60", "--steps", "3"]
    out = tmp_path / "out"
    options += ["--rounds", "1", "--max-epochs", "1", "--epochs", "1"]
    done = script("run", str(out), "--data", str(tmp_path / "data"), *options, bare=True)
    assert done.returncode == 0, done.stderr
    found = json.loads((out / "gpu.json").read_text())
    assert not [
        name for name, part in found.items() if isinstance(part, dict) and "error" in str(part.get("found"))
    ]
    assert found["equality of MINCUTPOOL"]["found"]["alone"] < 1e-8
    assert all(len(part["test_scores"]) == 2 for part in found["switches"]["found"].values())
    records = [
        RunRecord.from_dict(json.loads(line)) for line in (out / "records.jsonl").read_text().splitlines()
    ]
    assert {record.seed for record in records} == {1, 2}
    assert len(found["grid"]["found"]["cells"]) == 4
    assert len(records) == 2 * 4
