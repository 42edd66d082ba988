"""The option that imports a module which registers models of a user's own."""

from __future__ import annotations

from typing import Annotated

import typer

Modules = Annotated[
    list[str] | None,
    typer.Option(
        "--module", metavar="NAME", help="Import this module, which registers models; may be repeated."
    ),
]
