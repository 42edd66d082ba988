"""Datasets: names, sources, splits, and their graphs as flat tensors."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rethinkpool_core.datasets.dataset import GraphDataset, load_dataset
    from rethinkpool_core.datasets.inventory import list_datasets, verify
    from rethinkpool_core.datasets.spec import DATASETS, get_spec
    from rethinkpool_core.datasets.storage.store import GraphStore

_HOME = {
    "DATASETS": "spec",
    "GraphDataset": "dataset",
    "GraphStore": "storage.store",
    "get_spec": "spec",
    "list_datasets": "inventory",
    "load_dataset": "dataset",
    "verify": "inventory",
}
__all__ = [
    "DATASETS",
    "GraphDataset",
    "GraphStore",
    "get_spec",
    "list_datasets",
    "load_dataset",
    "verify",
]


def __getattr__(name: str) -> Any:
    # Imported on first use, so that the names of datasets can be read without torch.
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
