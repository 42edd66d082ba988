"""The reference implementation of a model of the package."""

from __future__ import annotations

from torch import nn

from rethinkpool_core.reference.diffpool import DiffPool, DiffPoolV2
from rethinkpool_core.reference.gmn import GMN
from rethinkpool_core.reference.graclus import Graclus
from rethinkpool_core.reference.mincutpool import MinCutPool

REFERENCE_MODELS: dict[str, type[nn.Module]] = {
    "MINCUTPOOL": MinCutPool,
    "N-MINCUTPOOL": MinCutPool,
    "DIFFPOOL-V2": DiffPoolV2,
    "N-DIFFPOOL-V2": DiffPoolV2,
    "DIFFPOOL": DiffPool,
    "N-DIFFPOOL": DiffPool,
    "GRACLUS": Graclus,
    "COMPLEMENT": Graclus,
    "GMN": GMN,
}
"""Reference implementation by name of the model."""

OVERRIDES: dict[str, dict[str, object]] = {
    # Today's operator: the package's default is that of 2020, which PyG no longer has.
    "DIFFPOOL": {"sage": "pyg2"},
    "N-DIFFPOOL": {"sage": "pyg2"},
    "DIFFPOOL-V2": {"sage": "pyg2"},
    "N-DIFFPOOL-V2": {"sage": "pyg2"},
}
"""Parameters of `build_model` with which both implementations compute the same function."""


def reference_model(model) -> nn.Module:
    """Return the reference implementation with the shape and configuration of ``model``, which `build_model` returned."""
    return REFERENCE_MODELS[model.name](model.shape, model.config)
