"""Corrections of the HTML of Sphinx and the theme, for those who read with a screen reader.

Each is a violation that axe-core finds; `tests/site/test_accessible.py` says when one is no longer needed or another has come.
"""

from __future__ import annotations

import re
from pathlib import Path

_CORRECTIONS = (
    # The name of a button that shows a text is that text.
    (re.compile(r'(<button class="[^"]*search-button-field[^>]*?) aria-label="Search"'), r"\1"),
    (re.compile(r'<summary aria-label="Toggle hidden content">'), "<summary>"),
    # An arrow in the list of pages has no name of its own.
    (
        re.compile(r'<summary>(?=<span class="toctree-toggle")'),
        '<summary aria-label="Pages of this section">',
    ),
    # These icons would be part of the name of their button, which has one.
    (re.compile(r'(<i class="theme-switch [^>]*?)\s+title="[^"]*"'), r"\1"),
    # The arguments of a long signature are no list of definitions.
    (
        re.compile(r"<dl>\n((?:<dd><em class=\"sig-param\">.*</dd>\n)+)</dl>"),
        r'<span class="sig-lines">\n\1</span>',
    ),
    (re.compile(r'<dd>(<em class="sig-param">.*)</dd>'), r'<span class="sig-line">\1</span>'),
    # References are a list of list items.
    (re.compile(r'(<div class="citation"[^>]*) role="doc-biblioentry"'), r'\1 role="listitem"'),
)


def correct_pages(site: Path) -> None:
    """Correct every page of a built site."""
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        corrected = corrected_html(text)
        if corrected != text:
            page.write_text(corrected, encoding="utf-8")


def corrected_html(text: str) -> str:
    """Return the HTML of a page with all corrections."""
    for pattern, replacement in _CORRECTIONS:
        text = pattern.sub(replacement, text)
    return text
