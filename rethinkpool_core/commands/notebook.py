"""``rethinkpool notebook NAME [-p key value]...``"""

from __future__ import annotations

from typing import Annotated

import typer

from rethinkpool_core.commands.values import parse_assignments

_PARAMETER_OPTIONS = ("-p", "--parameter")


def join_parameters(args: list[str]) -> list[str]:
    """Write ``-p key value``, as papermill's users type it, as the ``-p key=value`` that Typer can read."""
    if "notebook" not in args[:1]:
        return args
    joined: list[str] = []
    rest = list(args)
    while rest:
        arg = rest.pop(0)
        if arg in _PARAMETER_OPTIONS and len(rest) > 1 and "=" not in rest[0]:
            joined += [arg, f"{rest.pop(0)}={rest.pop(0)}"]
        else:
            joined.append(arg)
    return joined


def _names() -> list[str]:
    from rethinkpool_core.site.notebooks import notebook_names

    return notebook_names()


def notebook_command(
    name: Annotated[
        str, typer.Argument(help="A notebook of notebooks/, without .ipynb.", autocompletion=_names)
    ],
    parameter: Annotated[
        list[str] | None,
        typer.Option(*_PARAMETER_OPTIONS, metavar="KEY VALUE", help="Set a parameter; may be repeated."),
    ] = None,
) -> None:
    """Run a notebook with papermill; the executed copy goes to build/notebooks/."""
    given = parse_assignments(parameter or (), "-p")

    from rethinkpool_core.site.notebooks import run_notebook, shown

    typer.echo(shown(run_notebook(name, given)))
