"""The result of reading a source."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from rethinkpool_core.datasets.spec import Features
from rethinkpool_core.datasets.storage.store import GraphStore

PARTS = ("train", "val", "test")


@dataclass(frozen=True, eq=False)
class Packed:
    """Packed graphs, the kind and width of their features, and the published split if there is one."""

    store: GraphStore
    features: Features
    num_features: int
    published: dict[str, Tensor] | None = None

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors by name, those of a published split as ``split.train`` and so on."""
        published = self.published or {}
        return {**self.store.tensors(), **{f"split.{part}": index for part, index in published.items()}}
