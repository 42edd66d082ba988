"""The reference implementation of a model of the package."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

REFERENCE_MODELS: dict[str, str] = {
    "MINCUTPOOL": "mincutpool.MinCutPool",
    "N-MINCUTPOOL": "mincutpool.MinCutPool",
    "DIFFPOOL-V2": "diffpool.DiffPoolV2",
    "N-DIFFPOOL-V2": "diffpool.DiffPoolV2",
    "DIFFPOOL": "diffpool.DiffPool",
    "N-DIFFPOOL": "diffpool.DiffPool",
    "GRACLUS": "graclus.Graclus",
    "COMPLEMENT": "graclus.Graclus",
    "GMN": "gmn.GMN",
}
"""Module and class of the reference implementation by name of the model: importing PyG takes seconds."""

OVERRIDES: dict[str, dict[str, object]] = {
    # Today's operator: the package's default is that of 2020, which PyG no longer has.
    "DIFFPOOL": {"sage": "pyg2"},
    "N-DIFFPOOL": {"sage": "pyg2"},
    "DIFFPOOL-V2": {"sage": "pyg2"},
    "N-DIFFPOOL-V2": {"sage": "pyg2"},
}
"""Parameters of `build_model` with which both implementations compute the same function."""


def reference_class(name: str) -> type[nn.Module]:
    """Return the class of the reference implementation of a model."""
    module, class_name = REFERENCE_MODELS[name].split(".")
    return getattr(import_module(f"rethinkpool_core.reference.{module}"), class_name)


def reference_model(model) -> nn.Module:
    """Return the reference implementation with the shape and configuration of ``model``, which `build_model` returned."""
    return reference_class(model.name)(model.shape, model.config)
