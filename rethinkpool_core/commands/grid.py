"""``rethinkpool grid NAME``: train the runs of a table or figure that are not in the store yet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rethinkpool_core.commands.data import Root, dataset_names, dataset_spelling
from rethinkpool_core.commands.modules import Modules
from rethinkpool_core.commands.output import print_table, print_text
from rethinkpool_core.commands.values import known_spelling, parse_seeds
from rethinkpool_core.errors import RethinkPoolError, UsageError, needs_extra
from rethinkpool_core.models.modules import import_models
from rethinkpool_core.models.registry import model_names

if TYPE_CHECKING:
    from rethinkpool_core.experiments.plan import Plan

_LISTED_FAILURES = 5  # in the error that ends a command

Store = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Folder of the results; default $RETHINKPOOL_STORE, else rethinkpool/runs in the user's data folder "
        "(on Linux ~/.local/share).",
    ),
]
WithCommitted = Annotated[
    bool,
    typer.Option(
        "--with-committed", help="In a clone, use the runs committed in results/ beside those of the store."
    ),
]


def grid_names() -> list[str]:
    from rethinkpool_core.experiments.grids import GRIDS

    return list(GRIDS)


def grid_command(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A grid's name, or a TOML file.", autocompletion=grid_names)
    ],
    seeds: Annotated[
        str | None, typer.Option(help="Number of seeds (20) or a list (1,5,9-12); default the grid's own.")
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help="Only this model; may be repeated.", autocompletion=lambda: list(model_names())),
    ] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option(help="Only this dataset; may be repeated.", autocompletion=dataset_names),
    ] = None,
    engine: Annotated[
        str, typer.Option(help="local: this machine; dask: the workers of a Dask scheduler.")
    ] = "local",
    scheduler: Annotated[str | None, typer.Option(help="Address of the Dask scheduler.")] = None,
    store: Store = None,
    workers: Annotated[
        int,
        typer.Option(
            show_default=False, help="Number of tasks at once; by default as many as cores and memory allow."
        ),
    ] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    module: Modules = None,
    root: Root = None,
    with_committed: WithCommitted = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Run failed runs again.")] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Only print what would run, how long it takes and how much memory it needs."
        ),
    ] = False,
) -> None:
    """Train the runs of a grid that are not in the store yet; the same command resumes an interrupted grid."""
    if workers < 0:
        raise UsageError(
            f"--workers cannot be {workers}: give the number of tasks to run at once, or leave it out"
        )
    with needs_extra("experiments", "a grid"):
        from rethinkpool_core.experiments.engine import (
            check_engine,
            local_devices,
            local_workers,
            total_memory,
            trains_on_gpus,
        )
        from rethinkpool_core.experiments.plan import make_plan
        from rethinkpool_core.experiments.run import find_grid, run_grid
        from rethinkpool_core.experiments.store import ResultStore

        check_engine(engine, scheduler)
        import_models(module or ())
        grid = find_grid(known_spelling(name, grid_names()), None if seeds is None else parse_seeds(seeds))
        grid = grid.restricted(
            [known_spelling(one, model_names()) for one in model or ()],
            [dataset_spelling(one, root) for one in dataset or ()],
        )
        results = ResultStore(store)
        if dry_run:
            plan = make_plan(
                grid,
                results,
                workers=workers,
                retry_failed=retry_failed,
                with_committed=with_committed,
                gpu=trains_on_gpus(engine, device),
            )
            at_once = workers or len(local_devices(device)[1]) or local_workers(plan)
            print_plan(plan, results.folder, at_once, total_memory())
            return
        report = run_grid(
            grid,
            store,
            engine=engine,
            scheduler=scheduler,
            workers=workers,
            device=device,
            root=None if root is None else str(root),
            retry_failed=retry_failed,
            with_committed=with_committed,
        )
    print_text(
        f"{grid.name}: {report.trained} runs trained, {report.found} finished before; store: {results.folder}"
    )
    if report.failures:
        listed = "; ".join(
            f"{run}: {error}" for run, error in list(report.failures.items())[:_LISTED_FAILURES]
        )
        more = len(report.failures) - _LISTED_FAILURES
        raise RethinkPoolError(
            f"{len(report.failures)} runs failed ({listed}{f'; and {more} more' if more > 0 else ''}): "
            "remove the cause and give --retry-failed"
        )


def print_plan(plan: Plan, folder: Path, workers: int, memory: float) -> None:
    """Print a row per cell, then the time and memory that all of them take with so many tasks at once."""
    from rich.table import Table

    from rethinkpool_core.experiments.progress import committed_hint
    from rethinkpool_core.training.progress import duration

    table = Table(title=f"{plan.grid.name}: {plan.grid.description}")
    table.add_column("cell")
    for column in ("to do", "finished", "failed", "time per run", "memory"):
        table.add_column(column, justify="right")
    for cell in plan.cells:
        table.add_row(
            str(cell.cell),
            str(cell.todo),
            str(len(cell.finished)),
            str(len(cell.failed)) if cell.failed else "",
            "not measured" if cell.seconds is None else duration(cell.seconds) + " *" * cell.timed_elsewhere,
            f"{cell.memory / 1e9:.1f} GB" + ("" if cell.peak_bytes else " assumed"),
        )
    kind = "GPU" if plan.gpu else "CPU"
    if any(cell.timed_elsewhere for cell in plan.cells):
        table.caption = f"* measured in the committed runs of results/, on the {kind} that trained those"
    print_table(table)
    print_text(
        f"{plan.todo} runs to do, {plan.finished} finished, {len(plan.failed)} failed; store: {folder}"
    )
    if plan.committed:
        print_text(committed_hint(plan))
    timed = [cell for cell in plan.cells if cell.todo and cell.seconds is not None]
    untimed = sum(cell.todo for cell in plan.cells if cell.seconds is None)
    workers = min(workers, len(plan.tasks))
    if timed:
        seconds = sum(cell.todo * cell.seconds for cell in timed)
        longest = max(cell.seconds * min(len(task.seeds), cell.todo) for cell in timed for task in cell.tasks)
        runs = sum(cell.todo for cell in timed)
        print_text(
            f"about {duration(max(seconds / workers, longest))} for {runs} of them, "
            f"{workers} task{'s' if workers > 1 else ''} at once"
        )
    if untimed:
        print_text(f"no estimate for {untimed} of them: no run of their cells has been timed on a {kind} yet")
    largest = max((cell.memory for cell in plan.cells if cell.todo), default=0)
    if largest:
        print_text(
            f"up to {largest * workers / 1e9:.0f} GB of this machine's {memory / 1e9:.0f} GB of memory"
        )
