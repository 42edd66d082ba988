"""One file for the seeds that train side by side: everything needed to go on as if nothing had happened.

All of them are of one moment, since the file is replaced as a whole. Seeds saved one by one could be torn apart by a kill, would
go on in other company, and float32 sums round otherwise in other company.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from rethinkpool_core.errors import CheckpointError, StorageError
from rethinkpool_core.files.atomic import write_tensors

FORMAT = "2"

Metadata = dict[int, dict[str, Any]]
"""Of each seed, what is known beside its tensors."""

Tensors = dict[int, dict[str, Tensor]]


def config_hash(config: dict[str, Any]) -> str:
    """A digest of what determines the result of a run."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class CheckpointFolder:
    """The checkpoints of one model on one dataset in one configuration, whose digest they carry."""

    folder: Path
    model: str
    dataset: str
    digest: str

    @property
    def _stem(self) -> str:
        return f"{self.model}-{self.dataset.replace(':', '_')}"

    def path(self, seeds: Iterable[int]) -> Path:
        """The file for these seeds: ``...-seed3``, ``...-seeds1-20``, or with a hash where they are no unbroken run."""
        seeds = sorted(seeds)
        first, last = seeds[0], seeds[-1]
        name = f"{self._stem}-seed{first}" if first == last else f"{self._stem}-seeds{first}-{last}"
        if len(seeds) != last - first + 1:
            name += "-" + hashlib.sha256(str(seeds).encode()).hexdigest()[:8]
        return self.folder / f"{name}.safetensors"

    def prepare(self, paths: Iterable[Path]) -> None:
        """Make the folder and try to write there, so that hours of training do not end at the first checkpoint.

        What a kill in the midst of writing has left beside ``paths`` goes away. Raises StorageError.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
            for path in paths:
                for half in self.folder.glob(f".{path.name}-*"):
                    half.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(
                f"cannot write checkpoints to {self.folder} ({error.strerror}): choose another folder"
            ) from error

    def files(self, seeds: Iterable[int]) -> dict[Path, Metadata]:
        """Every file that holds one of ``seeds``, with the metadata of all that it holds.

        Raises CheckpointError for one that is of another configuration, or damaged if its name does not rule them out.
        """
        wanted = set(seeds)
        pattern = re.compile(re.escape(self._stem) + r"-seeds?(\d+)(?:-(\d+))?(?:-[0-9a-f]{8})?\.safetensors")
        found = {}
        for path in sorted(self.folder.glob(f"{self._stem}-seed*.safetensors")):
            named = pattern.fullmatch(path.name)
            if named and any(int(named[1]) <= seed <= int(named[2] or named[1]) for seed in wanted):
                metadata, digest = self._read(path)
                if not wanted & metadata.keys():
                    continue
                if digest != self.digest:
                    raise CheckpointError(
                        f"the checkpoint {path} belongs to another configuration or other data: "
                        "use another folder, or delete it"
                    )
                found[path] = metadata
        return found

    def save(self, path: Path, tensors: Tensors, metadata: Metadata) -> None:
        """Written aside and renamed: a kill leaves the one before.

        Raises StorageError.
        """
        flat = {f"{seed}/{name}": tensor for seed, of in tensors.items() for name, tensor in of.items()}
        try:
            write_tensors(
                path, flat, {"format": FORMAT, "config": self.digest, "metadata": json.dumps(metadata)}
            )
        except StorageError as error:
            reason = getattr(error.__cause__, "strerror", None) or "it could not be written completely"
            raise StorageError(
                f"cannot write the checkpoint {path} ({reason}): free some space or choose another folder; "
                "the last one is still good"
            ) from error

    def load(self, path: Path, seeds: Iterable[int]) -> Tensors:
        """The tensors of some seeds of a file. Raises CheckpointError."""
        from safetensors import SafetensorError, safe_open

        wanted = {str(seed) for seed in seeds}
        tensors: Tensors = {int(seed): {} for seed in wanted}
        try:
            with safe_open(path, "pt") as file:
                for key in file.keys():
                    seed, _, name = key.partition("/")
                    if seed in wanted:
                        tensors[int(seed)][name] = file.get_tensor(key)
        except (SafetensorError, OSError, ValueError) as error:
            raise _unreadable(path, error) from error
        return tensors

    def _read(self, path: Path) -> tuple[Metadata, str | None]:
        """Metadata, and the digest of the configuration."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "pt") as file:
                metadata = file.metadata() or {}
            if metadata.get("format", FORMAT) != FORMAT:
                raise CheckpointError(
                    f"the checkpoint {path} was written by another version of this package: delete it or use another folder"
                )
            of_seeds = {int(seed): values for seed, values in json.loads(metadata["metadata"]).items()}
        except (SafetensorError, OSError, KeyError, ValueError, AttributeError) as error:
            raise _unreadable(path, error) from error
        return of_seeds, metadata.get("config")


def _unreadable(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"the checkpoint {path} cannot be read ({error}): delete it to train its seeds from the start"
    )
