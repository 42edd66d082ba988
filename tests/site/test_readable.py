"""Text of the built pages can be read: weight and contrast of all of it, width of table columns on a phone."""

from __future__ import annotations

import pytest
from book_pages import PAGES
from browser_visit import MODES

EVERY_PAGE = pytest.mark.parametrize("page", PAGES)


@pytest.mark.parametrize("mode", MODES)
@EVERY_PAGE
def test_contrast_and_weight_of_text(visited, page, mode):
    texts = visited(page).texts[mode]
    assert len(texts) > 20
    assert [text for text in texts if text[1] < 4.5 or text[2] < 400] == []


def test_captions_are_among_the_texts(visited):
    assert any(what.startswith("figcaption") for what, *_ in visited("how-fast").texts["light"])


def test_the_two_modes_have_the_same_texts_in_other_colours(visited):
    light, dark = (visited("how-fast").texts[mode] for mode in MODES)
    assert [what for what, *_ in light] == [what for what, *_ in dark]
    assert [contrast for _, contrast, _ in light] != [contrast for _, contrast, _ in dark]


@EVERY_PAGE
def test_links_in_text_are_underlined(visited, page):
    assert visited(page).plain_links == []


@EVERY_PAGE
def test_columns_on_a_phone(visited, page):
    assert visited(page).narrow == []
