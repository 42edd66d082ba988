"""``rethinkpool train MODEL DATASET``: train one or many seeds and print their scores beside the published one."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Annotated

import typer

from rethinkpool_core.commands.data import Root, dataset_names, dataset_spelling
from rethinkpool_core.commands.modules import Modules
from rethinkpool_core.commands.output import check_writable, print_table, print_text, write_text
from rethinkpool_core.commands.values import known_spelling, parse_assignments, parse_seeds
from rethinkpool_core.datasets.spec import DATASETS, get_spec
from rethinkpool_core.errors import RethinkPoolError, UnknownNameError
from rethinkpool_core.models.modules import import_models
from rethinkpool_core.models.names import MODELS
from rethinkpool_core.models.registry import model_names
from rethinkpool_core.paper import get_metric

if TYPE_CHECKING:
    from rich.table import Table

    from rethinkpool_core.training import RunRecord


def train_command(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help=f"One of {', '.join(MODELS)}, in any case, or one that --module registers.",
            autocompletion=lambda: list(MODELS),
        ),
    ],
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="DATASET",
            help=f"One of {', '.join(DATASETS)}, in any case, or TU:NAME for another set of TU Dortmund, or a "
            "folder or zip in its layout.",
            autocompletion=dataset_names,
        ),
    ],
    seeds: Annotated[str, typer.Option(help="Number of seeds (20) or a list (1,5,9-12).")] = "20",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ... or mps.")] = "auto",
    max_epochs: Annotated[
        int, typer.Option(help="Stop after this many epochs even if the score still improves.")
    ] = 1000,
    checkpoint_dir: Annotated[
        Path | None, typer.Option(help="Save checkpoints here, and resume from those that are there.")
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Set a parameter (or KEY VALUE); may be repeated. `rethinkpool models MODEL` lists them.",
        ),
    ] = None,
    module: Modules = None,
    root: Root = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write the run records to this file.")
    ] = None,
) -> None:
    """Train a model on a dataset by the paper's protocol and print the test scores.

    `rethinkpool models MODEL DATASET` lists the parameters that --set takes.
    """
    numbers = parse_seeds(seeds)
    if json_file is not None:
        json_file = check_writable(json_file)
    given = parse_assignments(assignments or (), "--set")
    import_models(module or ())
    model, dataset = known_spelling(model, model_names()), dataset_spelling(dataset, root)
    if model not in model_names():  # reported before torch is imported
        raise UnknownNameError("model", model, model_names())
    get_spec(dataset)

    from rethinkpool_core import build_model, load_dataset
    from rethinkpool_core.experiments.cell import Cell
    from rethinkpool_core.training import resolve_device, train

    resolve_device(device)  # checked again by `train`; here, so that a wrong word does not wait for the data
    for_model, for_training = Cell(model, dataset, given, max_epochs).split_parameters
    data = load_dataset(dataset, root)
    records = train(
        build_model(model, data, **for_model),
        data,
        numbers,
        max_epochs=max_epochs,
        device=device,
        checkpoint_dir=checkpoint_dir,
        **for_training,
    )
    try:
        if json_file is not None:
            write_text(json_file, json.dumps([record.to_dict() for record in records], indent=1) + "\n")
    finally:  # neither a full disk nor a pipe that is closed loses both
        print_table(results_table(records))
        print_text(summary(records))
    failed = [record for record in records if record.error]
    if failed:
        listed = "; ".join(f"seed {record.seed}: {record.error}" for record in failed)
        raise RethinkPoolError(f"{len(failed)} of {len(records)} runs failed ({listed})")


def results_table(records: list[RunRecord]) -> Table:
    """Table with a row per seed."""
    from rich.table import Table

    first = records[0]
    table = Table(title=f"{first.model} on {first.dataset}: {get_metric(first.metric).label}")
    for column in ("seed", "validation", "test", "best epoch", "epochs"):
        table.add_column(column, justify="right")
    if any(record.error for record in records):
        table.add_column("failure")
    for record in records:
        table.add_row(
            str(record.seed),
            _shown(record.val_score, record.metric),
            _shown(record.test_score, record.metric),
            str(record.best_epoch),
            str(record.epochs),
            *([record.error] if record.error else []),
        )
    return table


def summary(records: list[RunRecord]) -> str:
    """Mean and standard deviation over the seeds that did not fail, and the published score of the same model and dataset."""
    from rethinkpool_core.paper import TABLES, published

    first = records[0]
    scores = [
        record.test_score for record in records if record.error is None and record.test_score is not None
    ]
    parts = []
    if scores:
        spread = f" ± {_shown(stdev(scores), first.metric)}" if len(scores) > 1 else ""
        seeds = f"{len(scores)} seed{'s' if len(scores) > 1 else ''}"
        parts.append(
            f"test {get_metric(first.metric).label}: {_shown(mean(scores), first.metric)}{spread} over {seeds}"
        )
    if first.model in TABLES["S5"].models:
        scores_of_paper = {score.dataset: score for score in published("S5", first.model)}
        if first.dataset in scores_of_paper:
            parts.append(f"Table S5: {scores_of_paper[first.dataset]} over 20 seeds")
    return "; ".join(parts)


def _shown(score: float | None, metric: str) -> str:
    return "-" if score is None else get_metric(metric).shown(score)
