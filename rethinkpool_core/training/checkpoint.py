"""A checkpoint file: the complete state of the seeds that train side by side, as safetensors with a digest.

The file is replaced as a whole, so all its seeds are at the same step. If each seed were saved on its own, a kill could leave
them at different steps, and they would resume beside other seeds, where float32 sums round differently.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from rethinkpool_core.errors import CheckpointError
from rethinkpool_core.files.atomic import write_tensors

FORMAT = "3"


class SavedSeed(NamedTuple):
    """The state of one seed: its tensors, and plain values as in `TrainState.metadata`."""

    tensors: dict[str, Tensor]
    values: dict[str, Any]


@dataclass(frozen=True)
class Checkpoint:
    """The content of a file.

    config    everything that determines the results of these runs but their seeds, as plain values
    """

    config: dict[str, Any]
    seeds: dict[int, SavedSeed]


class DamagedFileError(Exception):
    """The file is not what was written; the message says how that shows."""


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write the file aside and rename it, so that a kill leaves the one before (raises StorageError)."""
    tensors = {
        f"{seed}/{name}": tensor
        for seed, saved in checkpoint.seeds.items()
        for name, tensor in saved.tensors.items()
    }
    metadata = {
        "format": FORMAT,
        "config": json.dumps(checkpoint.config),
        "seeds": json.dumps({seed: saved.values for seed, saved in checkpoint.seeds.items()}),
    }
    write_tensors(path, tensors, metadata | {"digest": digest_of(tensors, metadata)})


def read_checkpoint(path: Path) -> Checkpoint:
    """Inverse of `write_checkpoint`.

    Raises DamagedFileError, or CheckpointError if another version of the package wrote the file or the system cannot read it.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with path.open("rb"):  # safe_open reports every failure of the system in words of its own
            pass
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except OSError as error:
        raise CheckpointError(
            f"the checkpoint {path} cannot be read ({error.strerror or error}): use another folder, or delete it"
        ) from None
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise DamagedFileError(" ".join(str(error).split())[:120]) from error
    digest = metadata.pop("digest", None)
    verified = digest == digest_of(tensors, metadata)
    if metadata.get("format", FORMAT) != FORMAT and (verified or digest is None):
        raise CheckpointError(
            f"the checkpoint {path} was written by another version of this package: use another folder, or delete it"
        )
    if not verified:
        raise DamagedFileError("its digest is not that of its content")
    seeds = {int(seed): SavedSeed({}, values) for seed, values in json.loads(metadata["seeds"]).items()}
    for key, tensor in tensors.items():
        seed, _, name = key.partition("/")
        seeds[int(seed)].tensors[name] = tensor
    return Checkpoint(json.loads(metadata["config"]), seeds)


def digest_of(tensors: dict[str, Tensor], metadata: dict[str, str]) -> str:
    """A digest of every name, type, shape and byte."""
    digest = hashlib.blake2b(json.dumps(metadata, sort_keys=True).encode(), digest_size=16)
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def differences(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """Phrases like "hidden_dim is 64 there and 32 here", one for each value in which two configurations differ."""
    found = []
    for key in dict.fromkeys([*there, *here]):
        a, b = (values.get(key, "not set") for values in (there, here))
        if isinstance(a, dict) and isinstance(b, dict):
            found += differences(a, b)
        elif a != b:
            found.append(f"{key} is {a} there and {b} here")
    return found
