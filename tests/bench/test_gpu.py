"""The script for a machine with a GPU, run without one."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch

from rethinkpool_core.models.names import MODELS
from rethinkpool_core.reference.build import REFERENCE_MODELS

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
    options += ["--rounds", "1", "--graphs", "100"]
    done = script("run", str(out), "--data", str(tmp_path / "data"), *options, bare=True)
    assert done.returncode == 0, done.stderr
    found = json.loads((out / "how-fast-gpu.json").read_text())
    compared = {(entry["model"], entry["dtype"]) for entry in found["equality"]}
    assert compared == {(model, dtype) for model in MODELS for dtype in ("float64", "float32")}
    assert all(entry[how]["all"] == 0 for entry in found["equality"] for how in ("eager", "recorded")), (
        "a CPU equals itself"
    )
    assert [entry["model"] for entry in found["speed"]] == list(REFERENCE_MODELS)
    assert all(entry["ours"][0]["seeds"] == 2 and entry["ours"][0]["speedup"] > 0 for entry in found["speed"])
