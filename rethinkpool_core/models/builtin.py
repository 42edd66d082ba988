"""The seventeen models of the paper. What a variant fixes cannot be set; what its settings say can.

Settings are those of Tables S2 to S4 and, for Appendix B's models, of the release (`paper.settings`). Gradients are clipped where
the release clips them.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from rethinkpool_core.datasets.spec import DatasetSpec
from rethinkpool_core.models.diffpool import DiffPool, DiffPoolConfig
from rethinkpool_core.models.diffpool_v2 import DiffPoolV2
from rethinkpool_core.models.gmn import GMN, GMNConfig
from rethinkpool_core.models.graclus import Graclus, GraclusConfig
from rethinkpool_core.models.mincutpool import MinCutConfig, MinCutPool
from rethinkpool_core.models.registry import register_model
from rethinkpool_core.paper import settings


def graclus(dataset: DatasetSpec) -> dict[str, Any]:
    return settings("GRACLUS", dataset.settings_of)


register_model("GRACLUS", Graclus, partial(GraclusConfig, matching="graph"), settings=graclus)
register_model("COMPLEMENT", Graclus, partial(GraclusConfig, matching="complement"), twin_of="GRACLUS")
register_model("NO-POOL", Graclus, partial(GraclusConfig, matching="none"), settings=graclus)


def diffpool(dataset: DatasetSpec) -> dict[str, Any]:
    return settings("DIFFPOOL", dataset.settings_of) | {
        "sum_input": dataset.features == "ones",
        "clip_norm": 2.0,
    }


# Version 1 normalises after pooling, where nothing is padded.
version_1 = partial(DiffPoolConfig, norm_padding=False)
register_model(
    "DIFFPOOL", DiffPool, partial(version_1, random_assignment="", invariant=False), settings=diffpool
)
for suffix, invariant in ("", False), ("-INV", True):
    for letter, distribution in ("U", "uniform"), ("N", "normal"), ("B", "bernoulli"):
        register_model(
            f"{letter}-DIFFPOOL{suffix}",
            DiffPool,
            partial(version_1, invariant=invariant),
            twin_of="DIFFPOOL",
            settings={"random_assignment": distribution},
        )


def diffpool_v2(dataset: DatasetSpec) -> dict[str, Any]:
    return settings("DIFFPOOL-V2", dataset.settings_of) | {
        "sum_input": dataset.features == "ones",
        "clip_norm": 2.0,
    }


version_2 = partial(DiffPoolConfig, invariant=False)
register_model("DIFFPOOL-V2", DiffPoolV2, partial(version_2, random_assignment=""), settings=diffpool_v2)
register_model(
    "N-DIFFPOOL-V2", DiffPoolV2, version_2, twin_of="DIFFPOOL-V2", settings={"random_assignment": "normal"}
)


def mincutpool(dataset: DatasetSpec) -> dict[str, Any]:
    return settings("MINCUTPOOL", dataset.settings_of) | {"clip_norm": 2.0}


register_model("MINCUTPOOL", MinCutPool, partial(MinCutConfig, random_assignment=""), settings=mincutpool)
register_model(
    "N-MINCUTPOOL", MinCutPool, MinCutConfig, twin_of="MINCUTPOOL", settings={"random_assignment": "normal"}
)


def gmn(dataset: DatasetSpec) -> dict[str, Any]:
    row = settings("GMN", dataset.settings_of)
    del row["num_layers"]  # as many as there are numbers of keys
    return row | {"train_keys": True, "key_scale": 1.0}


register_model("GMN", GMN, partial(GMNConfig, kernel="student"), settings=gmn)
register_model(
    "DISTANCE-GMN",
    GMN,
    partial(GMNConfig, kernel="distance"),
    twin_of="GMN",
    settings={"train_keys": False, "key_scale": 10.0},
)
register_model(
    "RANDOM-GMN", GMN, partial(GMNConfig, kernel="random"), twin_of="GMN", settings={"train_keys": False}
)
