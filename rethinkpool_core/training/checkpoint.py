"""One file a replica: everything needed to go on as if nothing had happened."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

from torch import Tensor

from rethinkpool_core.data.atomic import write_tensors
from rethinkpool_core.errors import CheckpointError, StorageError

FORMAT = "1"


def config_hash(config: dict[str, Any]) -> str:
    """A digest of what determines the result of a run."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:16]


def checkpoint_path(folder: Path, model: str, dataset: str, seed: int) -> Path:
    return folder / f"{model}-{dataset.replace(':', '_')}-seed{seed}.safetensors"


def check_folder(folder: Path, paths: list[Path]) -> None:
    """Make the folder and try to write there, so that hours of training do not end at the first checkpoint.

    What a kill in the midst of writing has left beside the checkpoints ``paths`` goes away. Raises StorageError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        for path in paths:
            for half in folder.glob(f".{path.name}-*"):
                half.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"cannot write checkpoints to {folder} ({error.strerror}): choose another folder"
        ) from error


def save_checkpoint(path: Path, digest: str, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Written aside and renamed: a kill leaves the one before.

    Raises StorageError.
    """
    try:
        write_tensors(path, tensors, {"format": FORMAT, "config": digest, "facts": json.dumps(facts)})
    except StorageError as error:
        reason = getattr(error.__cause__, "strerror", None) or "it could not be written completely"
        raise StorageError(
            f"cannot write the checkpoint {path} ({reason}): free some space or choose another folder; the last one is still good"
        ) from error


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
            if metadata.get("format", FORMAT) != FORMAT:
                raise CheckpointError(
                    f"the checkpoint {path} was written by another version of this package: delete it or use another folder"
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}
            facts = json.loads(metadata["facts"])
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise CheckpointError(
            f"the checkpoint {path} cannot be read ({error}): delete it to train this seed from the start"
        ) from error
    if metadata.get("config") != digest:
        raise CheckpointError(
            f"the checkpoint {path} belongs to another configuration or other data: use another folder, or delete it"
        )
    return tensors, facts
