"""Text of the built pages can be read: weight and contrast of all of it, width of table columns on a phone."""

from __future__ import annotations

import pytest
from book_pages import PAGES

EVERY_PAGE = pytest.mark.parametrize("page", PAGES)


@pytest.mark.parametrize("mode", ["light", "dark"])
@EVERY_PAGE
def test_contrast_and_weight_of_text(visited, page, mode):
    texts = visited(page, mode).texts
    assert len(texts) > 20
    assert [text for text in texts if text[1] < 4.5 or text[2] < 400] == []


def test_captions_are_among_the_texts(visited):
    assert any(what.startswith("figcaption") for what, *_ in visited("how-fast", "light").texts)


@EVERY_PAGE
def test_columns_on_a_phone(visited, page):
    assert visited(page, "light").narrow == []
