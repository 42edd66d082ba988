"""Text of the built pages can be read: weight and contrast of all of it, width of table columns on a phone."""

from __future__ import annotations

import pytest
from book_pages import PAGES, PHONE

# Every visible element with text of its own, as [what it is, contrast with what lies behind it, font weight] (WCAG 2.2, 1.4.3).
TEXTS = r"""
() => {
  const colour = text => {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return [r, g, b, a];
  };
  const over = (top, bottom) => bottom.map((v, i) => (i < 3 ? top[i] * top[3] + v * (1 - top[3]) : 1));
  const luminance = rgb => {
    const [r, g, b] = rgb.slice(0, 3).map(v => v / 255).map(v => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  const visited = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || visited.has(element) || element.closest("script, style, noscript")) continue;
    visited.add(element);
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const style = getComputedStyle(element);
    let [background, opacity] = [[255, 255, 255, 1], 1];
    const ancestors = [];
    for (let e = element; e; e = e.parentElement) ancestors.unshift(e);
    for (const e of ancestors) {
      background = over(colour(getComputedStyle(e).backgroundColor), background);
      opacity *= parseFloat(getComputedStyle(e).opacity);
    }
    const ink = colour(element.closest("svg") ? style.fill : style.color);
    ink[3] *= opacity;
    const [high, low] = [luminance(over(ink, background)), luminance(background)].sort((a, b) => b - a);
    const what = `${element.tagName.toLowerCase()} "${element.textContent.trim().slice(0, 40)}"`;
    found.push([what, (high + 0.05) / (low + 0.05), Number(style.fontWeight)]);
  }
  return found;
}
"""

# Cells whose text is on more than one line in a column of less than twelve characters.
NARROW = r"""
() => {
  const found = [];
  for (const cell of document.querySelectorAll("article table td")) {
    const range = document.createRange();
    range.selectNodeContents(cell);
    const tops = [...range.getClientRects()].filter(r => r.width > 0).map(r => r.bottom);
    const lines = tops.length ? (Math.max(...tops) - Math.min(...tops)) / parseFloat(getComputedStyle(cell).lineHeight) : 0;
    const measure = document.createElement("span");
    measure.style.cssText = "position: absolute; width: 12ch";
    cell.append(measure);
    const twelve = measure.getBoundingClientRect().width;
    measure.remove();
    if (lines > 0.7 && cell.clientWidth < twelve) found.push(cell.textContent.trim());
  }
  return found;
}
"""


def look(browser, site, page: str, script: str, **options):
    """What ``script`` returns on ``page``; ``options`` are those of the browser's tab."""
    tab = browser.new_page(**options)
    try:
        tab.goto((site / f"{page}.html").as_uri(), wait_until="load")
        tab.evaluate(
            "Promise.allSettled(document.getAnimations().map(one => one.finished))"
        )  # colours fade in
        return tab.evaluate(script)
    finally:
        tab.close()


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_contrast_and_weight_of_text(browser, site, page, mode):
    texts = look(browser, site, page, TEXTS, color_scheme=mode)
    assert len(texts) > 20
    assert [text for text in texts if text[1] < 4.5 or text[2] < 400] == []


def test_captions_are_among_the_texts(browser, site):
    assert any(what.startswith("figcaption") for what, *_ in look(browser, site, "how-fast", TEXTS))


@pytest.mark.parametrize("page", PAGES)
def test_columns_on_a_phone(browser, site, page):
    assert look(browser, site, page, NARROW, viewport={"width": PHONE, "height": 844}) == []
