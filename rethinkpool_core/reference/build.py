"""The plain form of a model of the package."""

from __future__ import annotations

from torch import nn

from rethinkpool_core.reference.diffpool import DiffPoolV2
from rethinkpool_core.reference.gmn import GMN
from rethinkpool_core.reference.graclus import Graclus
from rethinkpool_core.reference.mincutpool import MinCutPool

PLAIN: dict[str, type[nn.Module]] = {
    "MINCUTPOOL": MinCutPool,
    "N-MINCUTPOOL": MinCutPool,
    "DIFFPOOL-V2": DiffPoolV2,
    "N-DIFFPOOL-V2": DiffPoolV2,
    "GRACLUS": Graclus,
    "COMPLEMENT": Graclus,
    "GMN": GMN,
}
"""Models that have a plain form."""

OVERRIDES: dict[str, dict[str, object]] = {
    # PyG's operator of today; the package's default is that of 2020, which PyG no longer has.
    "DIFFPOOL-V2": {"sage": "pyg2"},
    "N-DIFFPOOL-V2": {"sage": "pyg2"},
}
"""What `build_model` must be told so that both forms are the same function."""


def plain_form(model) -> nn.Module:
    """A plain model of the size of ``model``, one that `build_model` returned."""
    return PLAIN[model.name](model.shape, model.config)
