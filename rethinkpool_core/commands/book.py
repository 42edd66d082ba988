"""``rethinkpool book [--profile quick|full]``"""

from __future__ import annotations

from typing import Annotated

import typer


def book_command(
    profile: Annotated[
        str,
        typer.Option(help="quick: DIGITS, minutes. full: the paper's data and protocol, hours."),
    ] = "quick",
) -> None:
    """Run the notebooks, build the site and print where it is."""
    from rethinkpool_core.site.build import build_book
    from rethinkpool_core.site.notebooks import shown

    page = build_book(profile, say=lambda line: typer.echo(line, err=True))
    typer.echo(f"the book is at {shown(page)}: open it in a browser")
