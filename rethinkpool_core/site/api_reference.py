"""Sphinx extension of the API reference: docstrings become reStructuredText, and the build fails if one is missing.

A warning of the build is an error (`build_site`), so this module only has to warn.
"""

from __future__ import annotations

from typing import Any

import rethinkpool_core
from rethinkpool_core.site.docstrings import to_rest


def setup(app: Any) -> dict[str, Any]:
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", _convert)
    app.connect("env-check-consistency", _check_every_public_name)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _convert(app: Any, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    from sphinx.util import logging

    if not any(line.strip() for line in lines):
        logging.getLogger(__name__).warning("%s has no docstring: write one", name)
    lines[:] = to_rest(lines, is_class=isinstance(obj, type))


def _check_every_public_name(app: Any, env: Any) -> None:
    from sphinx.util import logging

    documented = {name for name, *_ in env.get_domain("py").get_objects()}
    for name in rethinkpool_core.__all__:
        if f"{rethinkpool_core.__name__}.{name}" not in documented:
            logging.getLogger(__name__).warning(
                "the API reference lacks %s: add it to book/reference.md", name
            )
