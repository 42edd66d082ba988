"""Docstrings of this package in reStructuredText, for the API reference.

A docstring of this package is plain text with three habits, which keep it readable in the source::

    Return the first line, which says what the function does.

    name      an argument (or an attribute of a class) and, in a column of its own, its description,
              which may go on in further lines
    a, b      several at once
    long_name
              a name that is too long for its column

    Raises UsageError for a wrong argument.

Names of the package stand in single backticks, code in double ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_NAMES = r"\*{0,2}\w+(?:, \*{0,2}\w+)*"
_ENTRY = re.compile(rf"({_NAMES}) {{2,}}(\S.*)")
_NAMES_ALONE = re.compile(_NAMES)
_CODE = re.compile(r"(``.+?``|`[^`]+`)")
_ERROR = re.compile(r"\b((?:[A-Z]\w*Error)|KeyboardInterrupt)\b")


def to_rest(lines: Iterable[str], *, is_class: bool) -> list[str]:
    """Return a docstring as reStructuredText; the entries of a class become attributes, all others parameters."""
    found: list[str] = []
    for paragraph in _paragraphs(lines):
        text = "\n".join(paragraph)
        entries = _entries(paragraph)
        if entries is not None:
            found += _field("Attributes" if is_class else "Parameters", entries)
        elif text.startswith("Raises "):
            found += [f":Raises: {_marked(' '.join(line.strip() for line in paragraph)[len('Raises ') :])}"]
        else:
            found += _marked(text).splitlines()
        found.append("")
    return found


def _paragraphs(lines: Iterable[str]) -> Iterator[list[str]]:
    paragraph: list[str] = []
    for line in [*lines, ""]:
        if line.strip():
            paragraph.append(line)
        elif paragraph:
            yield paragraph
            paragraph = []


def _entries(paragraph: list[str]) -> list[tuple[str, str]] | None:
    """Return names and descriptions, or None if this is a paragraph of another kind."""
    entries: list[tuple[str, list[str]]] = []
    for index, line in enumerate(paragraph):
        if line.startswith(" "):
            if not entries:
                return None
            entries[-1][1].append(line.strip())
            continue
        entry = _ENTRY.fullmatch(line)
        goes_on = index + 1 < len(paragraph) and paragraph[index + 1].startswith(" ")
        if entry:
            entries.append((entry[1], [entry[2]]))
        elif _NAMES_ALONE.fullmatch(line) and goes_on:
            entries.append((line, []))
        else:
            return None
    return [(names, " ".join(words)) for names, words in entries]


def _field(title: str, entries: list[tuple[str, str]]) -> list[str]:
    items = (f"* **{_escaped(names)}** -- {_marked(text)}" for names, text in entries)
    return [f":{title}:", *(f"    {item}" for item in items)]


def _marked(text: str) -> str:
    """Return ``text`` with names as references, errors too, and without accidental markup."""
    parts = _CODE.split(text)
    for index, part in enumerate(parts):
        if part.startswith("``"):
            continue
        if part.startswith("`"):
            parts[index] = f":py:obj:`.{part[1:-1]}`"
        else:
            parts[index] = _ERROR.sub(r":py:exc:`.\1`", _escaped(part))
    return "".join(parts)


def _escaped(text: str) -> str:
    return re.sub(r"([*|]|_\b)", r"\\\1", text)
