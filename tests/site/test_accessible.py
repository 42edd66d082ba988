"""Pages can be used with a keyboard and a screen reader."""

from __future__ import annotations

import pytest
from book_pages import DESKTOP, PAGES, PHONE
from browser_visit import MODES, opened, violations

from rethinkpool_core.site.accessible_html import corrected_html


@pytest.mark.parametrize("page", PAGES)
def test_axe_finds_no_serious_violation(visited, page):
    assert visited(page).violations == []


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("page", ["models/diffpool", "notebooks/a1_datasets", "start"])
def test_axe_finds_no_serious_violation_of_any_rule_on_a_page_of_a_web_server(browser, served, page, mode):
    """axe's own rules on colours on a page of every kind; elsewhere test_readable.py measures them, in a fraction of the time."""
    complaints = []
    with opened(browser, f"{served}{page}.html", mode, (served, "data:"), complaints) as tab:
        assert tab.evaluate("document.documentElement.dataset.theme") == mode
        assert violations(tab) == []
    assert complaints == []


@pytest.fixture
def tab(browser, site):
    """``tab(page, width)`` is a page in a tab."""
    opened = []

    def open_page(page: str, width: int = DESKTOP):
        opened.append(browser.new_page(viewport={"width": width, "height": 844}))
        opened[-1].goto((site / f"{page}.html").as_uri(), wait_until="load")
        return opened[-1]

    yield open_page
    for one in opened:
        one.close()


def test_every_link_and_button_is_reached_with_the_tab_key_and_shows_it(tab):
    page = tab("how-fast")
    focusable = """
      [...document.querySelectorAll("a[href], button, [tabindex='0']")]
        .filter(element => element.checkVisibility({ visibilityProperty: true })).length
    """
    expected = page.evaluate(focusable)
    focused = """() => {
      const element = document.activeElement;
      element.dataset.reached = "yes";
      const style = getComputedStyle(element);
      if (element === document.body) return null;
      return [element.outerHTML.slice(0, 80), parseFloat(style.outlineWidth), style.outlineStyle];
    }"""
    seen = []
    for _ in range(expected + 5):
        page.keyboard.press("Tab")
        if (now := page.evaluate(focused)) is None:
            break
        seen.append(now)
    assert [one for one in seen if one[1] < 2 or one[2] == "none"] == []
    assert page.evaluate("document.querySelectorAll('[data-reached]').length") >= expected


def test_what_scrolls_shows_a_sign_until_its_end(tab):
    page = tab("pyg", PHONE)
    code = page.locator("article pre.more-right").first
    code.wait_for()
    assert code.evaluate("e => getComputedStyle(e).maskImage") != "none"
    code.evaluate("e => e.scrollTo(e.scrollWidth, 0)")
    page.wait_for_selector("article pre.more-left:not(.more-right)")


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (
            '<button class="btn search-button-field x" title="Search" aria-label="Search" data-x="y">',
            '<button class="btn search-button-field x" title="Search" data-x="y">',
        ),
        ('<summary aria-label="Toggle hidden content">', "<summary>"),
        (
            '<summary><span class="toctree-toggle"></span></summary>',
            '<summary aria-label="Pages of this section"><span class="toctree-toggle"></span></summary>',
        ),
        (
            '<i class="theme-switch fa-sun" data-mode="light" title="Light">',
            '<i class="theme-switch fa-sun" data-mode="light">',
        ),
        (
            '<dl>\n<dd><em class="sig-param">a</em>,</dd>\n</dl>',
            '<span class="sig-lines">\n<span class="sig-line"><em class="sig-param">a</em>,</span>\n</span>',
        ),
        ("<dl>\n<dd>a</dd>\n</dl>", "<dl>\n<dd>a</dd>\n</dl>"),
        (
            '<div class="citation" id="id2" role="doc-biblioentry">',
            '<div class="citation" id="id2" role="listitem">',
        ),
    ],
)
def test_corrections(theirs, ours):
    assert corrected_html(theirs) == ours
