"""A cell of a grid: a model on a dataset in one configuration. A cell with a seed is a run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rethinkpool_core.parameters.check import check_value
from rethinkpool_core.parameters.types import PositiveInt
from rethinkpool_core.training.record import RunRecord

if TYPE_CHECKING:
    from rethinkpool_core.datasets.spec import DatasetSpec

MAX_EPOCHS = 1000


@dataclass(frozen=True)
class Cell:
    """A model on a dataset with ``parameters`` of the model and of its training, as `rethinkpool train --set` takes them.

    Raises UnknownNameError or UsageError for a model, dataset, parameter or value that does not exist.
    """

    model: str
    dataset: str
    parameters: dict[str, Any] = field(default_factory=dict, hash=False)
    max_epochs: int = MAX_EPOCHS

    def __post_init__(self):
        self.digest  # noqa: B018 - so that errors are raised here

    @cached_property
    def split_parameters(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The parameters for `build_model`, and those for `train`."""
        from rethinkpool_core.training.overrides import split_overrides

        return split_overrides(self.model, self.parameters)

    @cached_property
    def config(self) -> dict[str, Any]:
        """Everything that determines the cell's runs except data and seed (`training.config.run_config`)."""
        from rethinkpool_core.models.build import model_config
        from rethinkpool_core.training.config import run_config, training_config

        check_value("max_epochs", self.max_epochs, PositiveInt)
        for_model, for_training = self.split_parameters
        model = model_config(self.model, self.spec, **for_model)
        training = training_config(self.model, self.spec.name, **for_training)
        return run_config(model, training, self.max_epochs)

    @cached_property
    def spec(self) -> DatasetSpec:
        from rethinkpool_core.datasets.spec import get_spec

        return get_spec(self.dataset)

    @cached_property
    def digest(self) -> str:
        """Hash of model, dataset and ``config``."""
        return _digest(self.model, self.spec.name, self.config)

    def key(self, seed: int) -> str:
        """The key of a run, which names its file in a store."""
        return f"{self.digest}-{seed}"

    @property
    def settings(self) -> str:
        """The parameters that were given, as ``"hidden_dim=8, max_epochs=5"``; empty for the protocol's own."""
        given = self.parameters | ({} if self.max_epochs == MAX_EPOCHS else {"max_epochs": self.max_epochs})
        return ", ".join(f"{key}={value}" for key, value in given.items())

    def __str__(self) -> str:
        return f"{self.model} on {self.dataset}" + (f" ({self.settings})" if self.settings else "")


def cell_digest(record: RunRecord) -> str:
    """`Cell.digest` of the cell that a record belongs to."""
    determining = {key: value for key, value in record.config.items() if key != "max_nodes"}
    return _digest(record.model, record.dataset, determining)


def _digest(model: str, dataset: str, config: dict[str, Any]) -> str:
    determining = {"model": model, "dataset": dataset, "config": config}
    return hashlib.sha256(json.dumps(determining, sort_keys=True).encode()).hexdigest()[:16]
