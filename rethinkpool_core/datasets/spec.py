"""Specifications of the datasets: task, score, features, split, source. torch is not imported."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from rethinkpool_core.errors import UnknownNameError

Task = Literal["binary", "multiclass", "regression"]
Loss = Literal["cross_entropy", "l1"]
Features = Literal["one_hot", "ones", "categorical", "dense"]
SplitPolicy = Literal["stratified", "paired", "published", "benchmark"]
SourceName = Literal["tu", "ogb", "zinc", "smnist", "digits", "rings", "memory"]
EdgesCounted = Literal["undirected", "directed"]
LabelCount = Literal["occurring", "dictionary", "columns", "none"]

ONES_WIDTH = 10
"""Width of the all-ones node feature of a set without node labels (IMDB-B, after the authors' release)."""

_TU_PREFIX = "TU:"
_TU_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")


@dataclass(frozen=True)
class DatasetSpec:
    """How a dataset is read, split and scored.

    metric        a name in `paper.METRICS`
    num_features  width of the encoded node features, or number of integer columns where they are categorical; ``None``, like
                  ``num_classes``, where only the data can tell
    split         drawn from the seed (``stratified``, or ``paired``: graphs 2i and 2i + 1 stay together), or fixed: that of the
                  publisher, or of the benchmark
    upstream      the name that its publisher uses
    edges_counted, label_count
                  how the dataset's row of Table S1 counts edges and node labels: labels that occur, entries of the label
                  dictionary, or integer columns
    like          the dataset whose settings models take by default; empty: its own
    """

    name: str
    task: Task
    metric: str
    features: Features
    num_features: int | None
    num_classes: int | None
    split: SplitPolicy
    source: SourceName
    upstream: str
    licence: str
    edges_counted: EdgesCounted
    label_count: LabelCount
    like: str = ""

    @property
    def settings_of(self) -> str:
        """The dataset whose settings models take by default (`paper.settings`)."""
        return self.like or self.name

    @property
    def seed_draws_split(self) -> bool:
        """Whether each seed has a split of its own."""
        return self.split in ("stratified", "paired")

    @property
    def has_coordinates(self) -> bool:
        """Whether the node features are intensity, row and column, as those of images are."""
        return self.source in ("smnist", "digits")

    @property
    def loss(self) -> Loss:
        """The supervised loss of the task."""
        return "l1" if self.task == "regression" else "cross_entropy"

    @property
    def published(self) -> Mapping[str, Any] | None:
        """The row of the dataset in Table S1 as printed, or ``None`` if there is none."""
        from rethinkpool_core.paper import table_rows

        return next((row for row in table_rows("S1") if row["dataset"] == self.name), None)

    @property
    def fingerprint(self) -> str:
        """All fields that packing depends on as one line of text: a store packed with another one is stale."""
        fields = asdict(self) | {"loss": self.loss}
        return ";".join(
            f"{key}={value}" for key, value in sorted(fields.items()) if key not in ("licence", "like")
        )


_TU_LICENCE = "no licence stated by TU Dortmund; cite Morris et al. 2020"
_OTHER_TU_LICENCE = (
    "not known; for a set from TU Dortmund cite Morris et al. 2020"  # others are files of the user's own
)


def _tu(name: str, upstream: str, num_features: int | None, features: Features = "one_hot") -> DatasetSpec:
    return DatasetSpec(
        name=name,
        task="binary",
        metric="accuracy",
        features=features,
        num_features=num_features,
        num_classes=2,
        split="stratified",
        source="tu",
        upstream=upstream,
        licence=_TU_LICENCE,
        edges_counted="undirected",
        label_count="none" if features == "ones" else "occurring",
    )


def _rings(radius: int) -> DatasetSpec:
    return DatasetSpec(
        name=f"RINGS-{radius}",
        task="binary",
        metric="accuracy",
        features="one_hot",
        num_features=2,
        num_classes=2,
        split="paired",
        source="rings",
        upstream=str(radius),
        licence="made by this package",
        edges_counted="undirected",
        label_count="occurring",
    )


_ALL = (
    _tu("NCI1", "NCI1", 37),
    _tu("IMDB-B", "IMDB-BINARY", ONES_WIDTH, "ones"),
    DatasetSpec(
        name="SMNIST",
        task="multiclass",
        metric="accuracy",
        features="dense",
        num_features=3,
        num_classes=10,
        split="benchmark",
        source="smnist",
        upstream="MNIST",
        licence="images CC BY-SA 3.0 (LeCun, Cortes, Burges); superpixels after Dwivedi et al. 2020 (MIT)",
        edges_counted="directed",
        label_count="none",
    ),
    DatasetSpec(
        name="ZINC",
        task="regression",
        metric="mae",
        features="one_hot",
        num_features=28,
        num_classes=1,
        split="published",
        source="zinc",
        upstream="ZINC",
        licence="ZINC terms of use (free for research); subset of Dwivedi et al. 2020 (MIT)",
        edges_counted="directed",
        label_count="dictionary",
    ),
    _tu("PROTEINS", "PROTEINS", 3),
    _tu("NCI109", "NCI109", 38),
    _tu("DD", "DD", 89),
    DatasetSpec(
        name="MOLHIV",
        task="binary",
        metric="rocauc",
        features="categorical",
        num_features=9,
        num_classes=2,
        split="published",
        source="ogb",
        upstream="ogbg-molhiv",
        licence="MIT (MoleculeNet, OGB)",
        edges_counted="undirected",
        label_count="columns",
    ),
    DatasetSpec(
        name="DIGITS",
        task="multiclass",
        metric="accuracy",
        features="dense",
        num_features=3,
        num_classes=10,
        split="stratified",
        source="digits",
        upstream="load_digits",
        licence="CC BY 4.0 (UCI optical digits), shipped inside scikit-learn (BSD-3-Clause)",
        edges_counted="directed",
        label_count="none",
    ),
    *map(_rings, (1, 2, 3)),
)

DATASETS: Mapping[str, DatasetSpec] = MappingProxyType({spec.name: spec for spec in _ALL})
"""The datasets with a name of their own, in Table S1's order, then those that need no download, ``DIGITS`` and ``RINGS-r``."""


def get_spec(name: str) -> DatasetSpec:
    """Return the spec of a registered dataset, or of any TU Dortmund set written ``TU:<name>``.

    A registered TU set (``TU:IMDB-BINARY``) has the registered spec. For any other, width, classes, task and kind of
    features are a first guess; the ``spec`` of the loaded dataset has what its files hold.

    Raises UnknownNameError if there is no such dataset; the message names the nearest one.
    """
    if isinstance(name, str) and name in DATASETS:
        return DATASETS[name]
    if isinstance(name, str) and name.startswith(_TU_PREFIX):
        upstream = name[len(_TU_PREFIX) :]
        registered = next((spec for spec in _ALL if spec.source == "tu" and spec.upstream == upstream), None)
        if registered is not None:
            return registered
        if _TU_NAME.fullmatch(upstream):
            spec = _tu(name, upstream, None)
            return replace(spec, num_classes=None, licence=_OTHER_TU_LICENCE)
    raise UnknownNameError("dataset", name, [*DATASETS, "TU:<name of a TU Dortmund set>"])
