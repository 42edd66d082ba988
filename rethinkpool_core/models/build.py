"""From a model's name to the model: which class it is, and its hyper-parameters for a dataset."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any, get_type_hints

from rethinkpool_core.errors import UnknownNameError, UsageError
from rethinkpool_core.models.base import PoolingModel, Shape, build
from rethinkpool_core.models.diffpool import DiffPool, DiffPoolConfig
from rethinkpool_core.models.diffpool_v2 import DiffPoolV2
from rethinkpool_core.models.gmn import ACTIVATIONS, GMN, GMNConfig
from rethinkpool_core.models.graclus import Graclus, GraclusConfig
from rethinkpool_core.models.mincutpool import MinCutConfig, MinCutPool
from rethinkpool_core.models.names import MODELS
from rethinkpool_core.ops.assignments import DISTRIBUTIONS
from rethinkpool_core.paper import settings


@dataclass(frozen=True)
class _Kind:
    model: type[PoolingModel]
    config: type
    values: dict[str, Any]


def _diffpool(random_assignment: str, invariant: bool = False, model: type = DiffPool) -> _Kind:
    return _Kind(model, DiffPoolConfig, {"random_assignment": random_assignment, "invariant": invariant})


_KINDS: dict[str, _Kind] = {
    "GRACLUS": _Kind(Graclus, GraclusConfig, {"matching": "graph"}),
    "COMPLEMENT": _Kind(Graclus, GraclusConfig, {"matching": "complement"}),
    "NO-POOL": _Kind(Graclus, GraclusConfig, {"matching": "none"}),
    "DIFFPOOL": _diffpool(""),
    "U-DIFFPOOL": _diffpool("uniform"),
    "N-DIFFPOOL": _diffpool("normal"),
    "B-DIFFPOOL": _diffpool("bernoulli"),
    "U-DIFFPOOL-INV": _diffpool("uniform", invariant=True),
    "N-DIFFPOOL-INV": _diffpool("normal", invariant=True),
    "B-DIFFPOOL-INV": _diffpool("bernoulli", invariant=True),
    "DIFFPOOL-V2": _diffpool("", model=DiffPoolV2),
    "N-DIFFPOOL-V2": _diffpool("normal", model=DiffPoolV2),
    "MINCUTPOOL": _Kind(MinCutPool, MinCutConfig, {"random_assignment": ""}),
    "N-MINCUTPOOL": _Kind(MinCutPool, MinCutConfig, {"random_assignment": "normal"}),
    "GMN": _Kind(GMN, GMNConfig, {"kernel": "student", "train_keys": True, "key_scale": 1.0}),
    "DISTANCE-GMN": _Kind(GMN, GMNConfig, {"kernel": "distance", "train_keys": False, "key_scale": 10.0}),
    "RANDOM-GMN": _Kind(GMN, GMNConfig, {"kernel": "random", "train_keys": False, "key_scale": 1.0}),
}
assert tuple(sorted(_KINDS)) == tuple(sorted(MODELS))

# What makes a variant the variant that it is; another value is another model's name.
_FIXED = {"matching", "kernel", "invariant"}

_CHOICES: dict[str, tuple[str, ...]] = {
    "random_assignment": DISTRIBUTIONS,
    "sage": ("2020", "pyg2"),
    "max_ties": ("shared", "first"),
    "activation": tuple(ACTIVATIONS),
}
_ZERO_ALLOWED = {"purity_weight"}
_NO_PURITY = {"train_keys", "purity_weight", "purity_period"}
_IDLE_IN_GMN = {
    "student": {"random_assignment"},
    "distance": {"random_assignment", "tau", *_NO_PURITY},
    "random": {"tau", "key_scale", "num_heads", *_NO_PURITY},
}


def _kind(name: str) -> _Kind:
    try:
        return _KINDS[name]
    except (KeyError, TypeError):
        raise UnknownNameError("model", name, MODELS) from None


def config_fields(name: str) -> dict[str, type]:
    """The parameters of a model that a user may set, with their types.

    Raises UnknownNameError for an unknown model.
    """
    kind = _kind(name)
    hints = get_type_hints(kind.config)
    idle = set(_FIXED)
    if not kind.values.get("random_assignment", "uniform"):
        idle |= {"random_assignment"}
    if kind.model is DiffPool:
        idle |= {"norm_padding"}  # its norms come after pooling, where nothing is padded
    if kind.config is GMNConfig:
        idle |= _IDLE_IN_GMN[kind.values["kernel"]]
    return {field.name: hints[field.name] for field in fields(kind.config) if field.name not in idle}


def model_config(name: str, dataset: str, features: str, **overrides: Any) -> Any:
    """The configuration that `build_model` gives the model ``name`` for a dataset with ``features`` as in its spec.

    Needs no data. Raises as `build_model`.
    """
    kind = _kind(name)
    known = config_fields(name)
    for key in overrides:
        if key not in known:
            raise UnknownNameError("parameter", key, known, where=f"of {name}")
    of_config = {field.name for field in fields(kind.config)}
    paper = {key: value for key, value in settings(name, dataset).items() if key in of_config}
    defaults = kind.values | paper
    if kind.config is DiffPoolConfig:
        defaults["sum_input"] = features == "ones"
    return kind.config(
        **defaults | {key: _checked(name, key, value, known[key]) for key, value in overrides.items()}
    )


def build_model(name: str, dataset, *, seed: int = 0, **overrides: Any) -> PoolingModel:
    """The model ``name`` for ``dataset``, drawn from ``seed``.

    Hyper-parameters are those of Tables S2-S4 or, for Appendix B, of the release (`rethinkpool_core.paper.settings`), where
    ``overrides`` does not say otherwise; `config_fields` lists them.

    Raises UnknownNameError for an unknown model or parameter, UsageError for a value of the wrong type or out of range.
    """
    config = model_config(name, dataset.name, dataset.spec.features, **overrides)
    model = build(_kind(name).model, Shape.of(dataset), config, seed)
    model.name = name
    return model


def replica(model: PoolingModel, seed: int) -> PoolingModel:
    """The same model as ``build_model`` would have drawn it from another seed, in the same floating type."""
    other = build(type(model), model.shape, model.config, seed).to(next(model.parameters()).dtype)
    other.name = model.name
    return other


def describe(config: Any) -> dict[str, Any]:
    """All that determines a model but its seed, as plain values, from its configuration."""
    assert is_dataclass(config)
    values = asdict(config)
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}


def checked_switch(where: str, key: str, value: Any) -> bool:
    """``value`` of the parameter ``key``, if it is true or false (raises UsageError)."""
    if not isinstance(value, bool):
        raise UsageError(f"{where} takes true or false, not {value!r}: set {key}=true or {key}=false")
    return value


def _checked(name: str, key: str, value: Any, kind: Any) -> Any:
    """``value`` in the type of the parameter ``key``; refused with a sentence when it is not of it."""
    where = f"parameter {key!r} of {name}"
    if kind is bool:
        return checked_switch(where, key, value)
    if kind is str:
        choices = _CHOICES[key]
        value = str(value) if isinstance(value, int) and not isinstance(value, bool) else value  # sage=2020
        if not isinstance(value, str) or value not in choices:
            raise UnknownNameError("value", value, choices, where=f"for {where}")
        return value
    if kind in (int, float):
        if isinstance(value, bool) or not isinstance(value, (int, float) if kind is float else int):
            wanted = "a number" if kind is float else "a whole number"
            raise UsageError(
                f"{where} takes {wanted}, not {value!r}: give one, as in {key}={2 if kind is int else 0.5}"
            )
        if not 0 <= value < float("inf") or (value == 0 and key not in _ZERO_ALLOWED):
            bound = (
                "a number of at least 0"
                if key in _ZERO_ALLOWED
                else "at least 1"
                if kind is int
                else "a positive number"
            )
            raise UsageError(f"{where} cannot be {value!r}: give {bound}")
        if key == "cluster_ratio" and value > 1:
            raise UsageError(
                f"{where} cannot be {value!r}: clusters are at most as many as nodes, so give at most 1"
            )
        return kind(value)
    # The one sequence: a number of keys for each layer.
    items = value if isinstance(value, (list, tuple)) else [value]
    if not items or any(isinstance(item, bool) or not isinstance(item, int) or item < 1 for item in items):
        raise UsageError(
            f"{where} takes one positive whole number for each layer, not {value!r}: write {key}=[10, 1]"
        )
    return tuple(items)
