"""The check of parameters: each value in the type of its field, or one sentence that says what the field takes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from rethinkpool_core.errors import UnknownNameError, UsageError
from rethinkpool_core.parameters.types import Bounds

_LARGEST = {int: 2**31 - 1, float: sys.float_info.max}
_WORDS = {int: "a whole number", float: "a number"}
_EXAMPLE = {int: 2, float: 0.5}


@cache
def field_types(config: type) -> Mapping[str, Any]:
    """The annotation of each field of a dataclass, resolved."""
    hints = get_type_hints(config, include_extras=True)
    return MappingProxyType({field.name: hints[field.name] for field in fields(config)})


@cache
def plain_types(config: type) -> Mapping[str, type]:
    """The type of each field of a dataclass, without the marks of `parameters.types`."""
    return MappingProxyType(get_type_hints(config))


def split_annotation(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """The type itself, and its marks: ``Annotated[int, Bounds(at_least=1)]`` is int with one mark."""
    if get_origin(annotation) is Annotated:
        kind, *marks = get_args(annotation)
        return kind, tuple(marks)
    return annotation, ()


def is_supported(annotation: Any) -> bool:
    """Whether `check_value` knows the type."""
    kind, _ = split_annotation(annotation)
    if get_origin(kind) is Literal:
        return all(isinstance(choice, str) for choice in get_args(kind))
    if get_origin(kind) is tuple:
        return len(get_args(kind)) == 2 and get_args(kind)[1] is ... and is_supported(get_args(kind)[0])
    return kind in (int, float, bool, str)


def check_values(values: Mapping[str, Any], types: Mapping[str, Any], of: str) -> dict[str, Any]:
    """``values`` in the types of their fields.

    of    whose parameters they are, for the messages: "GRACLUS", "training"

    Raises UnknownNameError for a key that is not in ``types``, and as `check_value`.
    """
    for key in values:
        if key not in types:
            raise UnknownNameError("parameter", key, types, where=f"of {of}")
    return {
        key: check_value(key, value, types[key], f"parameter {key!r} of {of}")
        for key, value in values.items()
    }


def check_value(key: str, value: Any, annotation: Any, where: str | None = None) -> Any:
    """``value`` in the type that the field ``key`` is annotated with.

    A whole number is accepted as a float and as a choice (``sage=2020``), a list as a tuple, a single value as a tuple of one.

    Raises UsageError for a value of another type or out of bounds, UnknownNameError for one that is not among the choices.
    """
    return _checked(value, annotation, where or f"parameter {key!r}", lambda example: f"{key}={example}")


def _checked(value: Any, annotation: Any, where: str, assign: Callable[[Any], str]) -> Any:
    """``assign`` writes an example as the user would, for the messages."""
    kind, marks = split_annotation(annotation)
    if get_origin(kind) is tuple:
        return _sequence(value, get_args(kind)[0], where, assign)
    if get_origin(kind) is Literal:
        return _choice(value, get_args(kind), where)
    if kind is bool:
        if not isinstance(value, bool):
            raise UsageError(
                f"{where} takes true or false, not {value!r}: set {assign('true')} or {assign('false')}"
            )
        return value
    if kind is str:
        if not isinstance(value, str):
            raise UsageError(f"{where} takes text, not {value!r}: put it in quotes")
        return value
    bounds = next((mark for mark in marks if isinstance(mark, Bounds)), Bounds())
    return _number(value, kind, bounds, where, assign)


def _choice(value: Any, choices: tuple[str, ...], where: str) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or text not in choices:
        raise UnknownNameError("value", value, choices, where=f"for {where}")
    return text


def _number(value: Any, kind: type, bounds: Bounds, where: str, assign: Callable[[Any], str]) -> int | float:
    accepted = int if kind is int else (int, float)
    if isinstance(value, bool) or not isinstance(value, accepted):
        example = f", as in {assign(_EXAMPLE[kind])}" if _EXAMPLE[kind] in bounds else ""
        raise UsageError(f"{where} takes {_WORDS[kind]}, not {value!r}: give one{example}")
    largest = _LARGEST[kind]
    if value not in bounds:
        wanted = str(bounds)
    elif not -largest <= value <= largest:  # NaN and infinity too
        wanted = f"of at most {largest}" if kind is int else "that is finite"
    else:
        return kind(value)
    raise UsageError(f"{where} cannot be {value!r}: give {_WORDS[kind]} {wanted}")


def _sequence(value: Any, item: Any, where: str, assign: Callable[[Any], str]) -> tuple:
    items = value if isinstance(value, (list, tuple)) else [value]
    if not items:
        raise UsageError(
            f"{where} takes a list of at least one value, not {value!r}: give {assign('[2, 1]')}"
        )
    return tuple(
        _checked(one, item, f"an entry of {where}", lambda example: assign(f"[{example}]")) for one in items
    )
