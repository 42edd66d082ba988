"""The built book, as files and in a browser, opened from the disk with no network."""

from __future__ import annotations

import re

import pytest
from book_pages import DESKTOP, PAGES, PHONE
from browser_visit import MODES


@pytest.mark.parametrize("page", PAGES)
def test_page_names_no_script_or_style_of_another_host(site, page):
    text = (site / f"{page}.html").read_text(encoding="utf-8")
    assert re.findall(r'<(?:script|link|img|iframe)[^>]*(?:src|href)="(?:https?:)?//[^"]*"', text) == []


EVERY_PAGE = pytest.mark.parametrize("page", PAGES)


@EVERY_PAGE
def test_console_and_network_are_quiet(visited, page):
    assert visited(page).complaints == []


@EVERY_PAGE
def test_page_follows_the_mode_of_the_machine(visited, page):
    assert visited(page).themes == {mode: mode for mode in MODES}


@EVERY_PAGE
def test_page_shows_its_title(visited, page):
    assert visited(page).title_is_visible


@EVERY_PAGE
def test_equations_can_be_read(visited, page):
    assert visited(page).unread_maths == 0


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@EVERY_PAGE
def test_page_does_not_scroll_sideways(visited, page, width):
    assert visited(page).overflow[width] <= 0


@pytest.mark.parametrize("mode", MODES)
def test_figures_take_the_ink_of_the_page(browser, site, mode):
    context = browser.new_context(color_scheme=mode)
    tab = context.new_page()
    try:
        tab.goto((site / "notebooks" / "a1_datasets.html").as_uri())
        ink = "e => getComputedStyle(e).fill"
        text = tab.locator("figure svg text").first.evaluate(ink)
        around = tab.locator("article p").first.evaluate("e => getComputedStyle(e).color")
        assert text == around
    finally:
        context.close()


@pytest.mark.parametrize("page", PAGES)
def test_no_table_is_left_as_text(site, page):
    text = (site / f"{page}.html").read_text(encoding="utf-8")
    assert re.findall(r"\| (?:---|—)", text) == []


def test_figures_say_what_they_show(site):
    text = (site / "notebooks" / "pooling-vs-random.html").read_text(encoding="utf-8")
    assert len(re.findall(r'<svg[^>]*role="img"[^>]*aria-label="[^"]+"', text)) == 3


@pytest.mark.parametrize(
    ("page", "statement"),
    [
        ("c_invariance", "Definition 1 (Permutation matrix)"),
        ("c_invariance", "Definition 2 (Equivariant function)"),
        ("c_invariance", "Definition 3 (Invariant function)"),
        ("c_invariance", "Remark 3 (Invariance of GRACLUS and COMPLEMENT)"),
        ("c_invariance", "Theorem 1 (Invariance of randomised DIFFPOOL)"),
        ("c_invariance", "Theorem 2 (Invariance of simplified GMN)"),
        ("d_collapsed_keys", "Remark 2 (Identical keys minimise the unsupervised loss)"),
    ],
)
def test_statements_have_the_numbers_of_the_paper(site, page, statement):
    text = (site / "notebooks" / f"{page}.html").read_text(encoding="utf-8")
    headings = re.findall(r'<p class="admonition-title">(.*?)</p>', text)
    assert statement in [" ".join(re.sub("<[^>]+>", "", heading).split()) for heading in headings]


def test_claims_of_the_paper_are_all_on_the_first_page(site):
    from rethinkpool_core.paper import CLAIMS

    text = (site / "index.html").read_text(encoding="utf-8")
    for claim in CLAIMS:
        for place in re.findall(r"Remark \d|Appendix D|Figure S1\b", claim.where + claim.evidence):
            assert place in text
