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
