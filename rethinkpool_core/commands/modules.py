"""The option that makes models of a user's own known to a command."""

from __future__ import annotations

from typing import Annotated

import typer

Modules = Annotated[
    list[str] | None,
    typer.Option(
        "--module", metavar="NAME", help="Import this module, which registers models; may be repeated."
    ),
]
