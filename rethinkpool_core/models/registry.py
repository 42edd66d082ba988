"""The models by name: the built-in ones, and those that users add with `register_model`.

Importing this imports no torch. `builtin`, which registers the built-in models, is imported when one of them is first used.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cached_property, partial
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rethinkpool_core.errors import UnknownNameError, UsageError
from rethinkpool_core.models.names import MODELS
from rethinkpool_core.parameters.check import field_types, is_supported, split_annotation
from rethinkpool_core.parameters.types import RECORDED_IF_CHANGED, OnlyIf

if TYPE_CHECKING:
    from rethinkpool_core.datasets.spec import DatasetSpec
    from rethinkpool_core.models.base import PoolingModel

_BUILT_IN = f"{__package__}.builtin"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")  # part of the names of files

Settings = Mapping[str, Any] | Callable[["DatasetSpec"], Mapping[str, Any]]


@dataclass(frozen=True)
class RegisteredModel:
    """An entry of the registry (`register_model`).

    config    the dataclass of its hyper-parameters
    fixed     values of the fields of ``config`` that make the variant what it is
    module    name of the module that registered it
    """

    name: str
    cls: type[PoolingModel]
    config: type
    fixed: Mapping[str, Any]
    twin_of: str | None
    settings: Settings
    module: str

    @cached_property
    def configurable(self) -> Mapping[str, Any]:
        """The fields that are not fixed, with their annotations."""
        types = field_types(self.config)
        return {key: annotation for key, annotation in types.items() if key not in self.fixed}

    @cached_property
    def parameters(self) -> Mapping[str, Any]:
        """The fields that a user may set, with their annotations: those that are not fixed and have an effect."""
        return {key: value for key, value in self.configurable.items() if self._has_effect(value)}

    def _has_effect(self, annotation: Any) -> bool:
        conditions = [mark for mark in split_annotation(annotation)[1] if isinstance(mark, OnlyIf)]
        return all(self.fixed[one.field] in one.values for one in conditions if one.field in self.fixed)

    def defaults(self, dataset: DatasetSpec) -> dict[str, Any]:
        """Settings for a dataset, of the model and of its training; a twin overrides those of its method with its own."""
        own = dict(self.settings(dataset) if callable(self.settings) else self.settings)
        if self.twin_of is None:
            return own
        method = find_model(self.twin_of)
        others = method.configurable.keys() - self.configurable.keys()
        return {key: value for key, value in method.defaults(dataset).items() if key not in others} | own


_REGISTERED: dict[str, RegisteredModel] = {}


def register_model(
    name: str,
    cls: type[PoolingModel],
    config: type | partial,
    *,
    twin_of: str | None = None,
    settings: Settings | None = None,
) -> None:
    """Register a model, so that `build_model`, `train`, grids and `results` take it by its name.

    name        letters, digits and ``- _ . +``
    cls         subclass of `PoolingModel`
    config      frozen dataclass of its hyper-parameters; ``partial(MyConfig, random=True)`` fixes a field that makes the
                variant what it is, so that users cannot set it. `parameters.types` has annotations for bounds and choices
    twin_of     the method whose randomised twin this is: `results` compares the two, and the twin takes the method's
                settings except for those it has itself
    settings    defaults other than the dataclass's own, of the model and of its training (``batch_size``, ``clip_norm``,
                ...): a mapping, or a function from a `DatasetSpec` to one

    A name can be registered once, except in a notebook or script, where registering it again replaces the earlier model.

    Raises UsageError or UnknownNameError, and registers nothing, for a name that exists, a class or configuration of another
    kind, and a twin of an unknown model.
    """
    import_module(_BUILT_IN)  # so that the built-in models come first
    module = sys._getframe(1).f_globals.get("__name__", "__main__")
    _check_name(name, module)
    _check_class(name, cls)
    config, fixed = _config_and_fixed(name, config)
    if twin_of is not None:
        _check_method(name, find_model(twin_of))
    if settings is not None and not isinstance(settings, Mapping) and not callable(settings):
        raise UsageError(
            f"the settings of {name} must be a mapping, or a function from a dataset's spec to one, not {settings!r}"
        )
    _REGISTERED[name] = RegisteredModel(
        name, cls, config, MappingProxyType(fixed), twin_of, settings if settings is not None else {}, module
    )


def forget_models(names: Iterable[str]) -> None:
    """Undo registrations, as of a module that could not be imported to its end."""
    for name in names:
        del _REGISTERED[name]


def model_names() -> tuple[str, ...]:
    """The built-in models, then those of users in the order of their registration; imports no torch."""
    return (*MODELS, *(name for name in _REGISTERED if name not in MODELS))


def find_model(name: str) -> RegisteredModel:
    """Return the entry of a model. Raises UnknownNameError."""
    if isinstance(name, str) and name in MODELS:
        import_module(_BUILT_IN)
    try:
        return _REGISTERED[name]
    except (KeyError, TypeError):
        raise UnknownNameError("model", name, model_names()) from None


def model_order(name: str) -> tuple[int, str]:
    """Key that sorts models as `model_names` does; models that are not registered come last, by name."""
    names = model_names()
    return (names.index(name) if name in names else len(names), name)


def methods_and_twins() -> dict[str, tuple[str, ...]]:
    """Every model that is not a twin itself, with its twins."""
    import_module(_BUILT_IN)
    return {
        method: tuple(name for name, model in _REGISTERED.items() if model.twin_of == method)
        for method, model in _REGISTERED.items()
        if model.twin_of is None
    }


def user_module(name: str) -> str | None:
    """Name of the module that registered a model, None for a built-in one. Raises UnknownNameError."""
    module = find_model(name).module
    return None if module == _BUILT_IN else module


def _check_name(name: str, module: str) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UsageError(f"a model cannot be named {name!r}: use letters, digits and - _ . +, as in MY-POOL")
    same = next((one for one in _REGISTERED.values() if one.name.casefold() == name.casefold()), None)
    if same is not None and not (same.name == name and same.module == module == "__main__"):
        raise UsageError(f"there is a model {same.name!r} already, from {same.module}: choose another name")


def _check_method(name: str, method: RegisteredModel) -> None:
    if method.name == name:
        raise UsageError(f"{name} cannot be its own twin: register the method and its twin under two names")
    if method.twin_of is not None:
        raise UsageError(
            f"{name} cannot be the twin of {method.name}, itself the twin of {method.twin_of}: give twin_of={method.twin_of!r}"
        )


def _check_class(name: str, cls: Any) -> None:
    from rethinkpool_core.models.base import PoolingModel

    if not isinstance(cls, type) or not issubclass(cls, PoolingModel):
        raise UsageError(
            f"the class of {name} must be a subclass of PoolingModel, not {cls!r}: derive it from that class"
        )


def _config_and_fixed(name: str, config: Any) -> tuple[type, dict[str, Any]]:
    """The dataclass, and the fields that a partial fixes."""
    fixed: dict[str, Any] = {}
    if isinstance(config, partial):
        if config.args:
            raise UsageError(
                f"the configuration of {name} fixes a field by place: name it, as in partial(MyConfig, field=value)"
            )
        config, fixed = config.func, dict(config.keywords)
    if not isinstance(config, type) or not is_dataclass(config) or not config.__dataclass_params__.frozen:
        raise UsageError(
            f"the configuration of {name} must be a frozen dataclass, not {config!r}: decorate it with @dataclass(frozen=True)"
        )
    try:
        types = field_types(config)
    except NameError as error:
        raise UsageError(
            f"the annotations of {config.__name__} cannot be resolved ({error}): define or import that name in its module"
        ) from None
    for key in fixed:
        if key not in types:
            raise UnknownNameError("field", key, types, where=f"of {config.__name__}")
    for field in fields(config):
        annotation = types[field.name]
        if not is_supported(annotation):
            raise UsageError(
                f"field {field.name!r} of {config.__name__} is annotated {annotation!r}, which is no type of a parameter: "
                "use int, float, bool, str, a Literal of strings or a tuple of one of these"
            )
        if RECORDED_IF_CHANGED in split_annotation(annotation)[1] and field.default is MISSING:
            raise UsageError(
                f"field {field.name!r} of {config.__name__} is recorded if changed and has no default: give it one"
            )
    return config, fixed
