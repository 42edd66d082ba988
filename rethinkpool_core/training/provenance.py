"""Provenance of a result: versions, device, commit, command."""

from __future__ import annotations

import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from rethinkpool_core.datasets.dataset import GraphDataset
from rethinkpool_core.training.device import device_name, processor_name


def provenance(dataset: GraphDataset, device: torch.device) -> dict[str, Any]:
    """Return the provenance that all seeds of a call of `train` share, as plain values."""
    return {
        "versions": {
            "python": platform.python_version(),
            **{name: _version(name) for name in ("rethinkpool", "torch", "numpy")},
        },
        "device": device_name(device),
        "machine": f"{platform.system()} {platform.machine()}, {processor_name()}",
        "dataset_checksum": dataset.checksum,
        "commit": commit(),
        "command": command(sys.argv),
    }


def add_device(provenance: dict[str, Any], device: str) -> None:
    """Add the device on which a run is resumed to its provenance, where it is not the last one there."""
    if provenance["device"].rpartition(", then ")[2] != device:
        provenance["device"] += f", then {device}"


def command(argv: list[str]) -> str:
    """Return a command line without folders of this machine, which say nothing elsewhere.

    An option that names one is left out; of a dataset or a grid file only the name is kept.
    """
    kept = [Path(argv[0]).name]
    for argument in argv[1:]:
        _, _, value = argument.rpartition("=")
        if not Path(value).is_absolute():
            kept.append(argument)
        elif value == argument and kept[-1].startswith("-"):
            kept.pop()
        elif value == argument:
            kept.append(Path(value).name)
    return " ".join(kept)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


@cache
def commit() -> str | None:
    """Return the commit of the running source, with "+" if files differ from it; None outside a checkout."""
    package = Path(__file__).resolve().parents[1]
    if not (package.parent / ".git").exists():
        return None
    git = ["git", "-C", str(package.parent)]
    try:
        head = subprocess.run(
            [*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        changed = subprocess.run(
            [*git, "status", "--porcelain", "--", package.name], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return head + ("+" if changed.strip() else "")
