"""The built book, as files and in a browser, opened from the disk with no network."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

import pytest
from book_pages import DESKTOP, PAGES, PHONE


@pytest.mark.parametrize("page", PAGES)
def test_links_inside_the_book_lead_somewhere(site, page):
    text = (site / f"{page}.html").read_text(encoding="utf-8")
    dead = []
    for link in re.findall(r'(?:href|src)="([^"]+)"', text):
        parts = urlsplit(link)
        if parts.scheme or not parts.path:
            continue
        if not (site / f"{page}.html").parent.joinpath(unquote(parts.path)).resolve().is_file():
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("page", PAGES)
def test_page_names_no_script_or_style_of_another_host(site, page):
    text = (site / f"{page}.html").read_text(encoding="utf-8")
    assert re.findall(r'<(?:script|link|img|iframe)[^>]*(?:src|href)="(?:https?:)?//[^"]*"', text) == []


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("page", PAGES)
def test_page_in_a_browser(browser, site, page, width, mode):
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=mode)
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: complaints.append(f"script error: {error}"))
    tab.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
    tab.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else complaints.append(r.url))
    try:
        tab.goto((site / f"{page}.html").as_uri(), wait_until="load")
        if tab.locator(".math").count():
            tab.wait_for_selector("mjx-container svg", state="attached")
            assert tab.locator("[data-mml-node=merror]").count() == 0, "an equation that MathJax cannot read"
        assert tab.evaluate("document.documentElement.dataset.theme") == mode
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert tab.evaluate(overflow) <= 0, "the page scrolls sideways"
        assert tab.locator("article h1").first.is_visible()
        assert complaints == []
    finally:
        context.close()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_figures_take_the_ink_of_the_page(browser, site, mode):
    context = browser.new_context(color_scheme=mode)
    tab = context.new_page()
    try:
        tab.goto((site / "notebooks" / "dataset-statistics.html").as_uri())
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
