"""Files that other services read: Binder and GitHub."""

from __future__ import annotations

import os
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_binder_has_the_cpu_build_of_torch():
    environment = yaml.safe_load((ROOT / ".binder" / "environment.yml").read_text(encoding="utf-8"))
    assert environment["channels"][0] == "conda-forge"
    assert any(name.startswith("pytorch-cpu") for name in environment["dependencies"])


def test_binder_keeps_its_torch_and_installs_the_pins(tmp_path):
    """The script is run with a Python that prints its arguments and the constraints."""
    fake = tmp_path / "python"
    fake.write_text('#!/bin/sh\necho "$@"\ncat "$6"\n')
    fake.chmod(0o755)
    script = ROOT / ".binder" / "postBuild"
    assert os.access(script, os.X_OK)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)}
    done = subprocess.run([script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    command, *pins = done.stdout.splitlines()
    assert command.endswith("--editable .[notebooks]") and "notebooks" in PROJECT["optional-dependencies"]
    assert "torch-geometric==" in done.stdout
    assert not any(pin.startswith(("torch==", "numpy==")) for pin in pins)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_run_targets_of_make(path):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    steps = [
        step
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
        for step in job["steps"]
    ]
    targets = [step["run"].split()[1] for step in steps if step.get("run", "").startswith("make ")]
    assert all(f"\n{target}:" in makefile for target in targets)
    assert targets


def test_workflows_try_every_python_that_is_supported():
    (tests,) = (path for path in WORKFLOWS if path.stem == "tests")
    versions = yaml.safe_load(tests.read_text(encoding="utf-8"))["jobs"]["test"]["strategy"]["matrix"][
        "python"
    ]
    assert versions[0] == PROJECT["requires-python"].removeprefix(">=") and versions == [
        "3.11",
        "3.12",
        "3.13",
    ]
