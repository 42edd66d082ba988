"""``rethinkpool data list | fetch | import | verify | stats | count``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rethinkpool_core.commands.output import check_writable, print_table
from rethinkpool_core.commands.values import known_spelling
from rethinkpool_core.errors import DataError

app = typer.Typer(help="List, fetch and verify datasets.", no_args_is_help=True)

Root = Annotated[
    Path | None,
    typer.Option(
        "--root",
        metavar="DIR",
        help="Data folder; default $RETHINKPOOL_DATA, else rethinkpool in the user's cache folder (on Linux ~/.cache).",
    ),
]


def dataset_names() -> list[str]:
    """Names of the datasets, for the completion of the shell."""
    from rethinkpool_core.datasets.spec import DATASETS

    return list(DATASETS)


def dataset_spelling(name: str, root: Path | None = None) -> str:
    """``name`` spelled as in the list of datasets, whatever its case; of a TU set, only the prefix ``TU:`` is corrected.

    The path of a folder or a zip is imported to the data folder ``root``, and is the name that the set has there.
    """
    from rethinkpool_core.datasets.tu_import import import_tu, is_path

    spelled = _spelling(name)
    return import_tu(name, root) if is_path(spelled) else spelled


def _spelling(name: str) -> str:
    if name[:3].casefold() == "tu:":
        return "TU:" + name[3:]
    return known_spelling(name, dataset_names())


@app.command("list")
def list_command(root: Root = None) -> None:
    """List the datasets and say which are on this machine."""
    from rich.table import Table

    from rethinkpool_core.datasets import list_datasets
    from rethinkpool_core.files.folders import data_root

    table = Table("dataset", "task", "metric", title=f"datasets in {data_root(root)}")
    table.add_column("graphs", justify="right")
    for column in ("here", "licence note"):
        table.add_column(column)
    for row in list_datasets(root):
        graphs = "" if row.graphs is None else str(row.graphs)
        here = "yes" if row.present else "no"
        table.add_row(row.name, row.task or "", row.metric or "", graphs, here, row.licence)
    print_table(table)


@app.command("fetch")
def fetch_command(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", autocompletion=dataset_names)],
    mirror: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIR", help="Take the files from this folder instead of the network."),
    ] = None,
    root: Root = None,
) -> None:
    """Download datasets that are not here yet, or take them from a folder, which replaces those that are here."""
    from rethinkpool_core.datasets import get_spec
    from rethinkpool_core.datasets.fetch import fetch

    names = [_spelling(name) for name in names]
    for name in names:
        get_spec(name)  # a typing error in the last name is reported before the first download
    for name in names:
        for fetched in fetch([name], root, mirror):
            where = f" ({fetched.folder})" if fetched.folder.is_dir() else ""
            typer.echo(f"{fetched.name}: {fetched.origin}{where}")


@app.command("import")
def import_command(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="Folder or zip with the files of TU Dortmund's layout.")
    ],
    name: Annotated[str | None, typer.Option(help="Name of the set here; default that of its files.")] = None,
    root: Root = None,
) -> None:
    """Import a dataset of your own: it is checked, copied to the data folder, and named TU:NAME from then on."""
    from rethinkpool_core.datasets import load_dataset
    from rethinkpool_core.datasets.tu_import import import_tu

    dataset = load_dataset(import_tu(path, root, name), root)
    spec = dataset.spec
    typer.echo(
        f"{dataset.name}: {len(dataset)} graphs, {spec.task}, scored by {spec.metric}, node features {spec.features}"
    )


@app.command("verify")
def verify_command(root: Root = None) -> None:
    """Verify the checksums of every dataset on this machine; exit with code 1 if one is damaged or changed."""
    from rich.table import Table

    from rethinkpool_core.datasets import verify
    from rethinkpool_core.files.folders import data_root

    table = Table("dataset", "state", "details")
    results = verify(root)
    for result in results:
        table.add_row(result.name, result.status, result.detail)
    print_table(table)
    bad = [result.name for result in results if not result.ok]
    if bad:
        raise DataError(
            f"damaged or changed: {', '.join(bad)}; where the next load does not pack the files again, remove the set from "
            f"{data_root(root)} and fetch or import it anew"
        )


@app.command("stats")
def stats_command(
    name: Annotated[str, typer.Argument(autocompletion=dataset_names)],
    root: Root = None,
) -> None:
    """Print the statistics of a dataset beside its row of Table S1."""
    from rich.table import Table

    from rethinkpool_core.datasets import load_dataset

    dataset = load_dataset(dataset_spelling(name, root), root)
    published = dataset.spec.published
    table = Table(title=dataset.name)
    table.add_column("statistic")
    for column in ("computed", *(["published"] if published else [])):
        table.add_column(column, justify="right")
    for column, value in dataset.statistics().items():
        cells = [value, published[column]] if published else [value]
        table.add_row(column.replace("_", " "), *map(_shown, cells))
    print_table(table)


@app.command("count")
def count_command(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", autocompletion=dataset_names)],
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="Folder of the files; default results/ of this clone."),
    ] = None,
    root: Root = None,
) -> None:
    """Count datasets and choose sample graphs for the book: dataset-statistics.json and sample-graphs.json.

    What the files hold of other datasets stays.
    """
    from rethinkpool_core.datasets import get_spec, load_dataset
    from rethinkpool_core.datasets.counts import count_dataset, counts_file, read_counts, write_counts
    from rethinkpool_core.errors import needs_extra
    from rethinkpool_core.figures.sample_graphs import (
        read_samples,
        sample_graphs,
        samples_file,
        write_samples,
    )

    names = [dataset_spelling(name, root) for name in names]
    for name in names:
        get_spec(name)  # a wrong name or folder is reported before the first set is counted
    files = [
        check_writable(file() if to is None else to / file().name) for file in (counts_file, samples_file)
    ]
    counts, samples = (
        read(file) if file.exists() else {}
        for read, file in zip((read_counts, read_samples), files, strict=True)
    )
    for name in names:
        dataset = load_dataset(name, root)
        counts[dataset.name] = count_dataset(dataset)
        with needs_extra("book", "drawing sample graphs"):
            samples[dataset.name] = sample_graphs(dataset)
        typer.echo(f"{dataset.name}: counted, checksum {dataset.checksum}")
    for write, found, file in zip((write_counts, write_samples), (counts, samples), files, strict=True):
        write(found, file)
        typer.echo(f"written to {file}")


def _shown(value: object) -> str:
    return "-" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)
