"""The appendix of "Rethinking pooling in graph neural networks" as code that runs.

Names below are imported on first use, so that ``import rethinkpool_core`` does not wait for torch.
"""

from __future__ import annotations

from contextlib import nullcontext
from importlib import import_module
from typing import TYPE_CHECKING

from rethinkpool_core.errors import needs_extra

__version__ = "0.1.0"

if TYPE_CHECKING:
    from rethinkpool_core.datasets.dataset import GraphDataset, load_dataset
    from rethinkpool_core.experiments.frame import load_results
    from rethinkpool_core.experiments.run import run_grid
    from rethinkpool_core.models import build_model, register_model
    from rethinkpool_core.paper import published
    from rethinkpool_core.training import train

_HOME = {
    "GraphDataset": "rethinkpool_core.datasets.dataset",
    "build_model": "rethinkpool_core.models",
    "load_dataset": "rethinkpool_core.datasets.dataset",
    "load_results": "rethinkpool_core.experiments.frame",
    "published": "rethinkpool_core.paper",
    "register_model": "rethinkpool_core.models",
    "run_grid": "rethinkpool_core.experiments.run",
    "train": "rethinkpool_core.training",
}
_OF_EXPERIMENTS = ("load_results", "run_grid")  # which need that extra

__all__ = [
    "GraphDataset",
    "__version__",
    "build_model",
    "load_dataset",
    "load_results",
    "published",
    "register_model",
    "run_grid",
    "train",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with needs_extra("experiments", name) if name in _OF_EXPERIMENTS else nullcontext():
        value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value  # the next look-up finds it without coming here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
