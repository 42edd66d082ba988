"""What a run records of a configuration, and is named by."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from rethinkpool_core.parameters.check import field_types, split_annotation
from rethinkpool_core.parameters.types import NO_EFFECT_ON_RESULTS, RECORDED_IF_CHANGED


def recorded_values(config: Any) -> dict[str, Any]:
    """The values of a configuration that determine a run, plain enough for JSON."""
    types, values = field_types(type(config)), {}
    for field in fields(config):
        _, marks = split_annotation(types[field.name])
        value = getattr(config, field.name)
        if NO_EFFECT_ON_RESULTS in marks or (RECORDED_IF_CHANGED in marks and value == field.default):
            continue
        values[field.name] = list(value) if isinstance(value, tuple) else value
    return values
