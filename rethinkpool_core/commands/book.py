"""``rethinkpool book [--profile quick|full]``"""

from __future__ import annotations

from typing import Annotated

import typer

from rethinkpool_core.errors import needs_extra


def book_command(
    profile: Annotated[
        str,
        typer.Option(
            help="quick: DIGITS, takes minutes; full: the paper's datasets and protocol, takes hours."
        ),
    ] = "quick",
) -> None:
    """Run the notebooks, build the site and print its path."""
    with needs_extra("book", "rethinkpool book"):
        from rethinkpool_core.site.build import build_book
        from rethinkpool_core.site.notebooks import shown

        page = build_book(profile, say=lambda line: typer.echo(line, err=True))
    typer.echo(f"the book is ready: open {shown(page)} in a browser")
