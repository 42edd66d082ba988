"""Sphinx extension that describes each page to search engines and to those who are sent its address."""

from __future__ import annotations

from html import escape
from textwrap import shorten
from typing import Any

DESCRIPTION = (
    "The supplementary material of 'Rethinking pooling in graph neural networks', reproduced: its datasets, "
    "models, tables and proofs as explanations and as code that you can run."
)
CARD = "_static/social-card.png"
_LENGTH = 160  # characters that search engines show


def setup(app: Any) -> dict[str, Any]:
    app.connect("html-page-context", _add_description)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _add_description(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    about = _first_paragraph(doctree) or DESCRIPTION
    base = app.config.html_baseurl
    card = f"{base.rstrip('/')}/{CARD}" if base else context["pathto"](CARD, 1)
    tags = {
        'name="description"': about,
        'property="og:type"': "article",
        'property="og:site_name"': app.config.html_title,
        'property="og:title"': context.get("title") or app.config.html_title,
        'property="og:description"': about,
        'property="og:image"': card,
        'name="twitter:card"': "summary_large_image",
    }
    written = "\n".join(f'<meta {key} content="{escape(value)}" />' for key, value in tags.items())
    context["metatags"] = f"{context.get('metatags', '')}\n{written}"


def _first_paragraph(doctree: Any) -> str:
    """Return the beginning of the first paragraph of prose, or nothing."""
    from docutils import nodes

    for paragraph in doctree.findall(nodes.paragraph) if doctree is not None else ():
        text = " ".join(paragraph.astext().split())
        if isinstance(paragraph.parent, nodes.section) and len(text) > 40:
            return shorten(text, _LENGTH, placeholder=" …")
    return ""
