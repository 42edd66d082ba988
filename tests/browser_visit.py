"""What one visit of a page in a browser shows: complaints, sizes, colours, violations of accessibility rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from book_pages import DESKTOP, PHONE

AXE = Path(__file__).parent / "site" / "axe-core" / "axe.min.js"

# Drawings without what is drawn: thousands of lines, which no rule looks at, are most of a page.
EMPTY_DRAWINGS = "document.querySelectorAll('svg > :not(title, desc)').forEach(element => element.remove())"
# Serious and critical violations, as "rule: element". The rules on colours take three quarters of axe's time.
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
VIOLATIONS = """
left_out => axe.run({
    resultTypes: ["violations"], preload: false, rules: Object.fromEntries(left_out.map(rule => [rule, { enabled: false }])),
  }).then(found => found.violations
  .filter(rule => ["serious", "critical"].includes(rule.impact))
  .flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.html.slice(0, 200)}`)))
"""

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
  // Background and opacity that an element stands on, its own included.
  const known = new Map([[null, [[255, 255, 255, 1], 1]]]);
  const ground = element => {
    if (!known.has(element)) {
      const [background, opacity] = ground(element.parentElement);
      const style = getComputedStyle(element);
      known.set(element, [over(colour(style.backgroundColor), background), opacity * parseFloat(style.opacity)]);
    }
    return known.get(element);
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
    const [background, opacity] = ground(element);
    const ink = colour(element.closest("svg") ? style.fill : style.color);
    ink[3] *= opacity;
    const [high, low] = [luminance(over(ink, background)), luminance(background)].sort((a, b) => b - a);
    const what = `${element.tagName.toLowerCase()} "${element.textContent.trim().slice(0, 40)}"`;
    found.push([what, (high + 0.05) / (low + 0.05), Number(style.fontWeight)]);
  }
  return found;
}
"""

# Links in running text that only their colour tells from it.
PLAIN_LINKS = r"""
() => [...document.querySelectorAll("article :is(p, li, dd, td, figcaption) a[href]:not(.headerlink)")]
  .filter(link => link.checkVisibility() && !getComputedStyle(link).textDecorationLine.includes("underline"))
  .map(link => link.outerHTML.slice(0, 200))
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
# A change of the mode is told to the page before its next frame. Then colours fade, those of an element after its parent's.
COLOURS_ARE_THERE = """
async () => {
  for (const _ of [1, 2]) await new Promise(requestAnimationFrame);
  const fading = () => document.getAnimations().filter(one => one.playState !== "finished");
  while (fading().length) await Promise.allSettled(fading().map(one => one.finished));
}
"""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


MODES = ("light", "dark")


@dataclass
class Visit:
    """What was seen on a page. ``texts`` and ``themes`` are by mode, "light" and "dark".

    complaints      of the console, failed requests, requests to another host
    themes          the theme that the page chose
    unread_maths    equations that MathJax cannot read
    texts           see TEXTS, on a desktop
    plain_links     see PLAIN_LINKS
    narrow          see NARROW, on a phone
    overflow        by width of the screen: how much wider the page is
    violations      see VIOLATIONS; without those of colours, which `texts` and `plain_links` cover
    """

    url: str
    complaints: list[str] = field(default_factory=list)
    themes: dict[str, str] = field(default_factory=dict)
    title_is_visible: bool = False
    unread_maths: int = 0
    texts: dict[str, list[tuple[str, float, int]]] = field(default_factory=dict)
    plain_links: list[str] = field(default_factory=list)
    narrow: list[str] = field(default_factory=list)
    overflow: dict[int, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


def visit(browser: Any, url: str) -> Visit:
    """Open a page of the site from the disk, in a light mode that turns dark while the page is open."""
    seen = Visit(url)
    with opened(browser, url, "light", ("file:", "data:"), seen.complaints) as tab:
        seen.title_is_visible = tab.locator("article h1").first.is_visible()
        seen.unread_maths = tab.locator("[data-mml-node=merror]").count()
        seen.plain_links = tab.evaluate(PLAIN_LINKS)
        for width in (PHONE, DESKTOP):
            tab.set_viewport_size({"width": width, "height": 844})
            seen.overflow[width] = tab.evaluate(OVERFLOW)
            if width == PHONE:
                seen.narrow = tab.evaluate(NARROW)
        for mode in MODES:
            tab.emulate_media(color_scheme=mode)
            tab.evaluate(COLOURS_ARE_THERE)
            seen.themes[mode] = tab.evaluate("document.documentElement.dataset.theme")
            seen.texts[mode] = tab.evaluate(TEXTS)
        seen.violations = violations(tab, COLOUR_RULES)
    return seen


@contextmanager
def opened(
    browser: Any, url: str, mode: str, allowed: tuple[str, ...], complaints: list[str]
) -> Iterator[Any]:
    """A tab with the page at ``url``, equations set. What goes wrong is added to ``complaints``.

    Requests may go to addresses that begin with one of ``allowed``.
    """
    tab, complain = browser.new_page(color_scheme=mode), complaints.append
    tab.on("console", lambda m: complain(m.text) if m.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: complain(f"script error: {error}"))
    tab.on("requestfailed", lambda request: complain(f"failed: {request.url}"))
    tab.on("response", lambda r: complain(f"{r.status}: {r.url}") if r.status >= 400 else None)
    tab.on("request", lambda r: None if r.url.startswith(allowed) else complain(f"asked for {r.url}"))
    try:
        tab.set_viewport_size({"width": DESKTOP, "height": 844})
        tab.goto(url, wait_until="load")
        if tab.locator(".math").count():
            tab.wait_for_selector("mjx-container svg", state="attached")
        yield tab
    finally:
        tab.close()


def violations(tab: Any, left_out: Sequence[str] = ()) -> list[str]:
    """Accessibility rules that a page violates, without the rules ``left_out``; see VIOLATIONS. Empties its drawings."""
    tab.evaluate(EMPTY_DRAWINGS)
    tab.evaluate(AXE.read_text(encoding="utf-8"))
    return tab.evaluate(VIOLATIONS, list(left_out))
