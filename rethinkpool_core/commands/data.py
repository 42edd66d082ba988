"""``rethinkpool data list | fetch | verify | stats``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rethinkpool_core.commands.output import print_table
from rethinkpool_core.commands.values import known_spelling
from rethinkpool_core.errors import DataError

app = typer.Typer(help="Get datasets, check them, count them.", no_args_is_help=True)

Root = Annotated[
    Path | None,
    typer.Option("--root", help="Data folder; else $RETHINKPOOL_DATA, else the user's cache folder."),
]


def dataset_names() -> list[str]:
    """Names a shell can complete."""
    from rethinkpool_core.datasets.spec import DATASETS

    return list(DATASETS)


def dataset_spelling(name: str) -> str:
    """``name`` spelled as in the list of datasets, whatever its case; of a TU set, only the prefix ``TU:`` is corrected."""
    if name[:3].casefold() == "tu:":
        return "TU:" + name[3:]
    return known_spelling(name, dataset_names())


@app.command("list")
def list_command(root: Root = None) -> None:
    """List the datasets, and which are on this machine."""
    from rich.table import Table

    from rethinkpool_core.datasets import list_datasets
    from rethinkpool_core.files.folders import data_root

    table = Table(
        "dataset", "task", "score", "graphs", "here", "licence note", title=f"datasets in {data_root(root)}"
    )
    for row in list_datasets(root):
        graphs = "" if row.graphs is None else str(row.graphs)
        table.add_row(row.name, row.task, row.metric, graphs, "yes" if row.present else "no", row.licence)
    print_table(table)


@app.command("fetch")
def fetch_command(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", autocompletion=dataset_names)],
    mirror: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIR", help="Take the files from this folder, not the network."),
    ] = None,
    root: Root = None,
) -> None:
    """Bring datasets to this machine."""
    from rethinkpool_core.datasets import get_spec
    from rethinkpool_core.datasets.fetch import fetch

    names = [dataset_spelling(name) for name in names]
    for name in names:
        get_spec(name)  # a typing error in the last name is told before the first download
    for name in names:
        for fetched in fetch([name], root, mirror):
            typer.echo(f"{fetched.name}: {fetched.origin} ({fetched.folder})")


@app.command("verify")
def verify_command(root: Root = None) -> None:
    """Check every dataset that is here; exit code 1 when one is damaged or changed."""
    from rich.table import Table

    from rethinkpool_core.datasets import verify

    table = Table("dataset", "state", "")
    results = verify(root)
    for result in results:
        table.add_row(result.name, result.status, result.detail)
    print_table(table)
    bad = [result.name for result in results if not result.ok]
    if bad:
        raise DataError(
            f"not as it should be: {', '.join(bad)}; fetch it again with `rethinkpool data fetch`"
        )


@app.command("stats")
def stats_command(
    name: Annotated[str, typer.Argument(autocompletion=dataset_names)],
    root: Root = None,
) -> None:
    """Count a dataset and print its row of Table S1 beside the printed one."""
    from rich.table import Table

    from rethinkpool_core.datasets import load_dataset

    dataset = load_dataset(dataset_spelling(name), root)
    printed = dataset.spec.published
    table = Table("", "counted", *(["printed"] if printed else []), title=dataset.name)
    for column, value in dataset.statistics().items():
        cells = [value, printed[column]] if printed else [value]
        table.add_row(column.replace("_", " "), *map(_shown, cells))
    print_table(table)


def _shown(value: object) -> str:
    return "-" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)
