"""Words on the command line: names in any case, seeds, and parameters as ``key=value`` or ``key value``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable

from rethinkpool_core.errors import UsageError

_ASSIGNING = {"notebook": ("-p", "--parameter"), "train": ("--set",)}
"""Options of each command that take a key and its value."""


def known_spelling(name: str, known: Iterable[str]) -> str:
    """The name of ``known`` that ``name`` is but for upper and lower case; ``name`` as it is where there is none."""
    return next((one for one in known if one.casefold() == name.casefold()), name)


def parse_seeds(text: str) -> list[int]:
    """Seeds from their number (``"20"`` is 1 to 20) or from a list with ranges (``"1,5,9-12"``).

    Raises UsageError.
    """
    from rethinkpool_core.training.seeds import MOST_SEEDS, check_seeds

    try:
        if text.strip().isdecimal():
            return check_seeds(int(text))
        seeds: list[int] = []
        for part in text.split(","):
            first, dash, last = part.partition("-")
            numbers = range(int(first), int(last if dash else first) + 1)
            if not numbers or len(numbers) > MOST_SEEDS:
                raise ValueError
            seeds += numbers
    except (ValueError, OverflowError):  # of a range that is longer than any list
        raise UsageError(
            f"--seeds cannot be {text!r}: give how many (20), or which, as in 1,5,9-12"
        ) from None
    return check_seeds(seeds)


def join_assignments(args: list[str]) -> list[str]:
    """Rewrite ``-p key value`` and ``--set key value`` as the ``key=value`` that Typer reads as one argument."""
    options = _ASSIGNING.get(args[0], ()) if args else ()
    joined: list[str] = []
    rest = list(args)
    while rest:
        arg = rest.pop(0)
        if arg in options and len(rest) > 1 and "=" not in rest[0] and not _is_option(rest[1]):
            joined += [arg, f"{rest.pop(0)}={rest.pop(0)}"]
        else:
            joined.append(arg)
    return joined


def _is_option(arg: str) -> bool:
    """Whether a word is an option; ``-1`` is a number."""
    return arg.startswith("-") and arg.lstrip("-")[:1].isalpha()


def parse_value(text: str) -> object:
    """``text`` read as a TOML value (``32``, ``0.5``, ``true``, ``[32, 1]``); anything else is a string."""
    try:
        document = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return document["value"] if len(document) == 1 else text


def parse_assignments(assignments: Iterable[str], option: str) -> dict[str, object]:
    """``["key=value", ...]`` as a dict.

    Raises UsageError where the value or the key is missing, or a key is given twice.
    """
    parsed: dict[str, object] = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        key = key.strip()
        if not equals or not key:
            raise UsageError(
                f"{option} needs a value, as in {option} key=value, and got {assignment!r} alone"
            )
        if key in parsed:
            raise UsageError(f"{option} {key} is given twice: give each key once")
        parsed[key] = parse_value(value.strip())
    return parsed
