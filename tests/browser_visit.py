"""What one visit of a page in a browser shows: complaints, sizes, colours, violations of accessibility rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from book_pages import DESKTOP, PHONE

AXE = Path(__file__).parent / "site" / "axe-core" / "axe.min.js"

# Drawings without what is drawn: thousands of lines, which no rule looks at, are most of a page.
EMPTY_DRAWINGS = "document.querySelectorAll('svg > :not(title, desc)').forEach(element => element.remove())"
# Serious and critical violations, as "rule: element". Only these rules depend on colours, so that a dark page needs no others.
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
VIOLATIONS = """
rules => axe.run({ resultTypes: ["violations"], preload: false, ...(rules && { runOnly: rules }) }).then(found => found.violations
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
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass
class Visit:
    """What was seen on a page.

    complaints      of the console, failed requests, requests to another host
    unread_maths    equations that MathJax cannot read
    texts           see TEXTS, on a desktop
    narrow          see NARROW, on a phone; only on a light page
    overflow        by width of the screen: how much wider the page is; only on a light page
    violations      see VIOLATIONS
    """

    url: str
    complaints: list[str] = field(default_factory=list)
    theme: str = ""
    title_is_visible: bool = False
    unread_maths: int = 0
    texts: list[tuple[str, float, int]] = field(default_factory=list)
    narrow: list[str] = field(default_factory=list)
    overflow: dict[int, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


def visit(context: Any, url: str, allowed: tuple[str, ...]) -> Visit:
    """Open ``url`` in a tab of the browser's ``context``; requests may go to addresses that begin with one of ``allowed``."""
    seen, tab = Visit(url), context.new_page()
    complain = seen.complaints.append
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
        tab.evaluate(
            "Promise.allSettled(document.getAnimations().map(one => one.finished))"
        )  # colours fade in
        seen.theme = tab.evaluate("document.documentElement.dataset.theme")
        seen.title_is_visible = tab.locator("article h1").first.is_visible()
        seen.unread_maths = tab.locator("[data-mml-node=merror]").count()
        seen.texts = tab.evaluate(TEXTS)
        if seen.theme == "light":  # a dark page has the same sizes
            seen.overflow[DESKTOP] = tab.evaluate(OVERFLOW)
            tab.set_viewport_size({"width": PHONE, "height": 844})
            seen.overflow[PHONE] = tab.evaluate(OVERFLOW)
            seen.narrow = tab.evaluate(NARROW)
            tab.set_viewport_size({"width": DESKTOP, "height": 844})
        tab.evaluate(EMPTY_DRAWINGS)
        tab.evaluate(AXE.read_text(encoding="utf-8"))
        seen.violations = tab.evaluate(VIOLATIONS, COLOUR_RULES if seen.theme == "dark" else None)
    finally:
        tab.close()
    return seen
