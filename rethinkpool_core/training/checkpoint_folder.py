"""A folder of checkpoint files: how they are named, found, replaced and, if damaged, set aside."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Any

from rethinkpool_core.errors import CheckpointError, StorageError
from rethinkpool_core.training.checkpoint import (
    Checkpoint,
    DamagedFileError,
    SavedSeed,
    differences,
    read_checkpoint,
    write_checkpoint,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CheckpointFolder:
    """The checkpoints of one model on one dataset in one configuration.

    config    everything that determines the results of a run but its seed, as plain values
    """

    folder: Path
    model: str
    dataset: str
    config: dict[str, Any]

    @property
    def _stem(self) -> str:
        dataset = re.sub(r"[:/\\]", "_", self.dataset)  # one of the user's own has any name
        return f"{self.model}-{dataset}"

    def path(self, seeds: Iterable[int]) -> Path:
        """The file of these seeds: ``...-seed3``, ``...-seeds1-20``, or with a hash if some between are missing."""
        seeds = sorted(seeds)
        first, last = seeds[0], seeds[-1]
        name = f"{self._stem}-seed{first}" if first == last else f"{self._stem}-seeds{first}-{last}"
        if len(seeds) != last - first + 1:
            name += "-" + hashlib.sha256(str(seeds).encode()).hexdigest()[:8]
        return self.folder / f"{name}.safetensors"

    def find(self, seeds: Iterable[int]) -> dict[Path, dict[int, SavedSeed]]:
        """Every file that holds one of ``seeds``, with all the seeds that it holds.

        A damaged file is renamed, with a warning. Raises CheckpointError for a file of another configuration.
        """
        wanted, config = set(seeds), json.loads(json.dumps(self.config))  # as a file has it
        pattern = re.compile(re.escape(self._stem) + r"-seeds?(\d+)(?:-(\d+))?(?:-[0-9a-f]{8})?\.safetensors")
        found = {}
        for path in sorted(self.folder.glob("*.safetensors")):
            name = pattern.fullmatch(path.name)
            if not name or not any(int(name[1]) <= seed <= int(name[2] or name[1]) for seed in wanted):
                continue
            try:
                checkpoint = read_checkpoint(path)
            except DamagedFileError as error:
                self._set_aside(path, str(error))
                continue
            if not wanted & checkpoint.seeds.keys():
                continue
            if differing := differences(checkpoint.config, config):
                raise CheckpointError(
                    f"the checkpoint {path} belongs to another configuration or other data ({', '.join(differing)}): "
                    "use another folder, or delete it"
                )
            found[path] = checkpoint.seeds
        return found

    def prepare(self, paths: Iterable[Path]) -> None:
        """Make the folder and try to write to it, so that hours of training do not end at the first checkpoint.

        Removes what a kill during a save has left beside ``paths``. Raises StorageError.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
            for path in paths:
                for half_written in self.folder.glob(f".{escape(path.name)}-*"):
                    half_written.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(
                f"cannot write checkpoints to {self.folder} ({error.strerror}): choose another folder"
            ) from None

    def save(self, path: Path, seeds: dict[int, SavedSeed]) -> None:
        """Replace the file ``path`` (raises StorageError and leaves the earlier one)."""
        try:
            write_checkpoint(path, Checkpoint(self.config, seeds))
        except StorageError as error:
            reason = getattr(error.__context__, "strerror", None) or "it could not be written completely"
            raise StorageError(
                f"cannot write the checkpoint {path} ({reason}): free some space or choose another folder; "
                "the last one is still good"
            ) from None

    def _set_aside(self, path: Path, reason: str) -> None:
        """Rename a damaged file, so that its seeds start again and nothing is lost."""
        number = 1
        while (target := path.with_name(f"{path.name}.damaged{number}")).exists():
            number += 1
        try:
            path.rename(target)
        except OSError as error:
            raise CheckpointError(
                f"the checkpoint {path} is damaged ({reason}) and cannot be renamed ({error.strerror}): "
                "delete it, or use another folder"
            ) from None
        log.warning(
            "the checkpoint %s is damaged (%s): it was renamed to %s, and its seeds start again",
            path,
            reason,
            target.name,
        )
