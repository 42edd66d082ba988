"""Links, anchors and images inside the built site, read from its files."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from book_pages import PAGES


class Page(HTMLParser):
    """Anchors of a page, and what it refers to."""

    def __init__(self, path: Path):
        super().__init__()
        self.anchors: set[str] = set()
        self.references: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and name in ("id", "name"):
                self.anchors.add(value)
            if value and (
                name in ("href", "src")
                or ((name, tag) == ("content", "meta") and value.startswith("_static"))
            ):
                self.references.add(value)


@pytest.fixture(scope="module")
def parsed(site) -> dict[Path, Page]:
    return {path: Page(path) for path in site.rglob("*.html")}


@pytest.mark.parametrize("page", [*PAGES, "search"])
def test_links_inside_the_site_lead_somewhere(site, parsed, page):
    path = site / f"{page}.html"
    dead = []
    for link in parsed[path].references:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = path.parent.joinpath(unquote(parts.path)).resolve() if parts.path else path
        known = target.is_file() and target.is_relative_to(site)
        if not known or (
            parts.fragment and target in parsed and unquote(parts.fragment) not in parsed[target].anchors
        ):
            dead.append(link)
    assert dead == []


def test_a_dead_anchor_would_be_found(tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<h1 id="top">x</h1><a href="#no-such-place">y</a><img src="a.png">')
    parsed = Page(page)
    assert parsed.anchors == {"top"} and parsed.references == {"#no-such-place", "a.png"}


def test_the_picture_of_links_has_the_size_that_sites_expect(site):
    header = (site / "_static" / "social-card.png").read_bytes()[:24]
    assert header[1:4] == b"PNG"
    assert [int.from_bytes(header[start : start + 4]) for start in (16, 20)] == [1200, 630]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_described(site, page):
    text = (site / f"{page}.html").read_text(encoding="utf-8")
    description = text.partition('<meta name="description" content="')[2].partition('" />')[0]
    assert len(description) > 20
