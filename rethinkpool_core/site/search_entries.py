"""Sphinx extension that makes a search for "Theorem 1" find the theorem first.

The search of Sphinx ranks index entries above all else, so each numbered statement becomes one. Numbers are known once all
pages are read, which is why this happens when a page is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_NUMBERED = re.compile(
    r"\b(?:Theorem|Definition|Remark|Lemma|Proposition|Table|Figure|Appendix) (?:S?\d+|[A-F])\b"
)


def setup(app: Any) -> dict[str, Any]:
    app.connect("doctree-resolved", _add_entries)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _add_entries(app: Any, doctree: Any, page: str) -> None:
    from sphinx.addnodes import index

    entries = [*_statements(app.env, doctree, page), *_titles(doctree)]
    doctree += index(entries=[("single", name, target, "main", None) for name, target in entries])


def _statements(env: Any, doctree: Any, page: str) -> Iterator[tuple[str, str]]:
    """Return name and anchor of each statement: those that sphinx-proof numbers, and admonitions with a number in the title."""
    from docutils import nodes

    numbers = env.toc_fignumbers.get(page, {})
    for node in doctree.findall(nodes.Admonition):
        kind, title = node.get("countertype"), node.next_node(nodes.title)
        number = numbers.get(kind, {}).get(node["ids"][0]) if kind and node["ids"] else None
        if number:
            yield f"{kind.title()} {'.'.join(map(str, number))}", node["ids"][0]
        elif title is not None and (found := _NUMBERED.match(title.astext())):
            if not node["ids"]:
                node["ids"].append(f"statement-{nodes.make_id(found[0])}")
            yield found[0], node["ids"][0]


def _titles(doctree: Any) -> Iterator[tuple[str, str]]:
    """Return numbers in the titles of sections, in entries that match less closely and so rank below the statement itself."""
    from docutils import nodes

    for title in doctree.findall(nodes.title):
        if isinstance(title.parent, nodes.section):
            for found in _NUMBERED.finditer(title.astext()):
                yield f"{found[0]} title", title.parent["ids"][0]
