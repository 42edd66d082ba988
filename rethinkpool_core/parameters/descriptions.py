"""Descriptions of the fields of a configuration, from its docstring."""

from __future__ import annotations

import re


def described_parameters(config: type) -> dict[str, str]:
    """Descriptions of the fields of a configuration, from its docstring.

    The description of a field follows its name at the beginning of a line and a colon or at least two spaces, and ends before
    the next field or an empty line. Several fields, with commas between them, may share one.
    """
    found: dict[str, str] = {}
    names: list[str] = []
    for line in (config.__doc__ or "").splitlines():
        start = re.match(r"\s*(\w+(?:,\s*\w+)*)(?::| {2,}|,?$)\s*(.*)", line)
        fields = [name.strip() for name in start[1].split(",")] if start else []
        if start and all(name in config.__dataclass_fields__ for name in fields):
            names = fields
            found |= dict.fromkeys(names, start[2])
        elif line.strip():
            found |= {name: f"{found[name]} {line.strip()}".strip() for name in names}
        else:
            names = []
    return found
