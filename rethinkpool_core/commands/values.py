"""Values typed on the command line: ``key=value`` with the value written as in TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable

from rethinkpool_core.errors import UsageError


def parse_value(text: str) -> object:
    """``text`` read as a TOML value (``32``, ``0.5``, ``true``, ``[32, 1]``); anything else is a string."""
    try:
        document = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return document["value"] if len(document) == 1 else text


def parse_assignments(assignments: Iterable[str], option: str) -> dict[str, object]:
    """``["key=value", ...]`` as a dict.

    Raises UsageError where the equals sign or the key is missing, or a key is given twice.
    """
    parsed: dict[str, object] = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        key = key.strip()
        if not equals or not key:
            raise UsageError(f"{option} wants key=value, got {assignment!r}")
        if key in parsed:
            raise UsageError(f"{option} {key} was given twice")
        parsed[key] = parse_value(value.strip())
    return parsed
