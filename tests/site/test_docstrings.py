"""Docstrings become reStructuredText, and the build complains about a missing one."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

import rethinkpool_core
from rethinkpool_core.site import api_reference
from rethinkpool_core.site.docstrings import to_rest


def rest(text: str, *, is_class: bool = False) -> str:
    return "\n".join(to_rest(text.splitlines(), is_class=is_class))


def test_entries_become_parameters():
    text = "name   the name\n       of it\na, b   two at once"
    assert rest(text) == ":Parameters:\n    * **name** -- the name of it\n    * **a, b** -- two at once\n"


def test_entries_of_a_class_are_attributes():
    assert rest("name  the name", is_class=True) == ":Attributes:\n    * **name** -- the name\n"


def test_a_name_too_long_for_its_column():
    assert (
        rest("a_very_long_name\n      its meaning\nb     short")
        == ":Parameters:\n    * **a_very_long_name** -- its meaning\n    * **b** -- short\n"
    )


@pytest.mark.parametrize(
    "text",
    ["Two  spaces after a word. Then more\nof the same.", "Two words\n    an indented line", "One line."],
)
def test_prose_stays_prose(text):
    assert ":Parameters:" not in rest(text)


def test_errors_are_a_field_with_references():
    assert (
        rest("Raises UsageError for a wrong\nargument.")
        == ":Raises: :py:exc:`.UsageError` for a wrong argument.\n"
    )


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("see `train`", "see :py:obj:`.train`"),
        ("``a | b*``", "``a | b*``"),
        ("a | b and *c", r"a \| b and \*c"),
        ("name_ ends", r"name\_ ends"),
    ],
)
def test_names_are_references_and_signs_no_markup(text, marked):
    assert rest(text) == marked + "\n"


def complaints(act) -> list[str]:
    """Warnings that ``act`` gives to the build."""
    records: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: records.append(record.getMessage())
    logger = logging.getLogger(f"sphinx.{api_reference.__name__}")
    logger.addHandler(handler)
    try:
        act()
    finally:
        logger.removeHandler(handler)
    return records


def test_missing_docstring_is_a_warning_and_so_an_error_of_the_build():
    def convert(lines):
        return lambda: api_reference._convert(None, "function", "train", rethinkpool_core.train, None, lines)

    assert complaints(convert([""])) == ["train has no docstring: write one"]
    assert complaints(convert(["Train."])) == []


def test_missing_name_is_a_warning():
    def check(names):
        domain = SimpleNamespace(get_objects=lambda: [(f"rethinkpool_core.{name}",) for name in names])
        env = SimpleNamespace(get_domain=lambda name: domain)
        return lambda: api_reference._check_every_public_name(None, env)

    public = set(rethinkpool_core.__all__)
    assert complaints(check(public)) == []
    assert complaints(check(public - {"train"})) == [
        "the API reference lacks train: add it to book/reference.md"
    ]


def test_arguments_are_listed_on_the_page(site):
    text = (site / "reference.html").read_text(encoding="utf-8")
    assert "<strong>checkpoint_dir</strong>" in text and "<strong>twin_of</strong>" in text
