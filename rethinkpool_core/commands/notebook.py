"""``rethinkpool notebook NAME [-p key=value]... [--output FILE]``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rethinkpool_core.commands.output import check_writable
from rethinkpool_core.commands.values import known_spelling, parse_assignments
from rethinkpool_core.errors import needs_extra


def _names() -> list[str]:
    from rethinkpool_core.site.notebooks import notebook_names

    return notebook_names()


def notebook_command(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A notebook of notebooks/, without .ipynb, in any case.",
            autocompletion=_names,
        ),
    ],
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "-p", "--parameter", metavar="KEY=VALUE", help="Set a parameter (or KEY VALUE); may be repeated."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the executed copy to this file; by default build/notebooks/NAME.ipynb.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run a notebook and print where its executed copy is; the notebook itself is not changed."""
    given = parse_assignments(parameter or (), "-p")
    if output is not None:
        output = check_writable(output)

    with needs_extra("book", "rethinkpool notebook"):
        from rethinkpool_core.site.notebooks import run_notebook, shown

        typer.echo(shown(run_notebook(known_spelling(name, _names()), given, output=output)))
