"""From a model's name to the model: its configuration for a dataset, then its weights from a seed."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

from rethinkpool_core.datasets.dataset import GraphDataset
from rethinkpool_core.datasets.spec import DatasetSpec
from rethinkpool_core.errors import UsageError
from rethinkpool_core.models.base import PoolingModel, Shape, build
from rethinkpool_core.models.registry import find_model
from rethinkpool_core.parameters.check import check_values, plain_types


def config_fields(name: str) -> dict[str, type]:
    """The parameters of a model that a user may set, with their types.

    Raises UnknownNameError for an unknown model.
    """
    model = find_model(name)
    types = plain_types(model.config)
    return {key: types[key] for key in model.parameters}


def model_config(name: str, dataset: DatasetSpec, **overrides: Any) -> Any:
    """The configuration that `build_model` gives the model ``name`` for a dataset, whose data it does not need.

    Raises as `build_model`.
    """
    model = find_model(name)
    given = check_values(overrides, model.parameters, name)
    defaults = {key: value for key, value in model.defaults(dataset).items() if key in model.configurable}
    values = check_values(defaults, model.configurable, f"{name} (from its settings)") | given | model.fixed
    for field in fields(model.config):
        if field.name not in values and field.default is field.default_factory is MISSING:
            raise UsageError(
                f"parameter {field.name!r} of {name} has no default: give it, or register {name} with one in its settings"
            )
    return model.config(**values)


def build_model(name: str, dataset: GraphDataset, *, seed: int = 0, **overrides: Any) -> PoolingModel:
    """Build the model ``name`` for ``dataset``, with weights and random assignments drawn from ``seed``.

    Hyper-parameters are those that the model was registered with (`register_model`), unless ``overrides`` says otherwise: for the
    built-in models those of Tables S2-S4 or, for Appendix B, of the release. `config_fields` lists them.

    Raises UnknownNameError for an unknown model or parameter, UsageError for a value of the wrong type or out of bounds, and for
    a dataset that is no `GraphDataset`.
    """
    shape = Shape.of(dataset)
    config = model_config(name, dataset.spec, **overrides)
    model = build(find_model(name).cls, shape, config, seed)
    model.name = name
    return model


def replica(model: PoolingModel, seed: int) -> PoolingModel:
    """The same model as ``build_model`` would have drawn it from another seed, in the same floating-point type."""
    other = build(type(model), model.shape, model.config, seed).to(next(model.parameters()).dtype)
    other.name = model.name
    return other
