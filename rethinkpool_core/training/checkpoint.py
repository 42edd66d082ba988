"""One file a replica: everything needed to go on as if nothing had happened."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from torch import Tensor

from rethinkpool_core.data.atomic import write_tensors
from rethinkpool_core.errors import CheckpointError

FORMAT = "1"


def config_hash(config: dict[str, Any]) -> str:
    """A digest of what determines the result of a run."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:16]


def checkpoint_path(folder: Path, model: str, dataset: str, seed: int) -> Path:
    return folder / f"{model}-{dataset.replace(':', '_')}-seed{seed}.safetensors"


def save_checkpoint(path: Path, digest: str, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Written aside and renamed: a kill leaves the one before.

    Raises StorageError.
    """
    write_tensors(path, tensors, {"format": FORMAT, "config": digest, "facts": json.dumps(facts)})


def load_checkpoint(path: Path, digest: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Tensors and facts, or None where there is no file.

    Raises CheckpointError for a damaged file or one of another configuration.
    """
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            facts = json.loads(metadata["facts"])
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise CheckpointError(f"the checkpoint {path} cannot be read ({error}): delete it to train this seed from the start") from error
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"the checkpoint {path} was written by another version of this package: delete it or use another folder")
    if metadata.get("config") != digest:
        raise CheckpointError(
            f"the checkpoint {path} belongs to another configuration or other data: use another folder, or delete it to start anew"
        )
    return tensors, facts
