"""``rethinkpool bench [--json FILE]``: speed compared with the same models in plain PyG, on this machine."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from rethinkpool_core.commands.data import Root, dataset_names, dataset_spelling
from rethinkpool_core.commands.output import check_writable, print_table, write_text
from rethinkpool_core.commands.values import known_spelling
from rethinkpool_core.models.names import MODELS


def bench_command(
    model: Annotated[
        list[str] | None,
        typer.Option(help="A model to measure; may be repeated. Default: all that have a baseline."),
    ] = None,
    dataset: Annotated[str, typer.Option(autocompletion=dataset_names)] = "NCI1",
    seeds: Annotated[int, typer.Option(help="Number of stacked seeds.")] = 8,
    rounds: Annotated[
        int | None, typer.Option(help="Epochs of each implementation; 5, or 2 with --quick.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ... or mps.")] = "cpu",
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 1,
    growth: Annotated[
        bool, typer.Option(help="Also measure how time and memory grow with seeds, nodes and graphs.")
    ] = True,
    quick: Annotated[
        bool, typer.Option("--quick", help="A first impression in a minute: few graphs, few rounds.")
    ] = False,
    root: Root = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Also write all measurements to this file."),
    ] = None,
) -> None:
    """Measure how fast training is, compared with the same models in plain PyG.

    Takes about ten minutes on one core. Times depend on the machine; compare the speed-ups.
    """
    if json_file is not None:
        json_file = check_writable(json_file)

    from rethinkpool_core.bench.plan import QUICK, Plan
    from rethinkpool_core.bench.report import growth_tables, model_table
    from rethinkpool_core.bench.run import run
    from rethinkpool_core.training.provenance import command

    plan = Plan(
        dataset=dataset_spelling(dataset, root), seeds=seeds, device=device, threads=threads, growth=growth
    )
    plan = replace(
        plan,
        **({"models": tuple(known_spelling(one, MODELS) for one in model)} if model else {}),
        **(QUICK if quick else {}),
    )
    plan = replace(plan, rounds=plan.rounds if rounds is None else rounds)
    found = run(plan, root=root, command=command(sys.argv), say=lambda line: typer.echo(line, err=True))
    try:
        if json_file is not None:
            write_text(json_file, json.dumps(found, indent=1) + "\n")
    finally:  # neither a full disk nor a pipe that is closed loses both
        for table in (model_table(found), *growth_tables(found)):
            print_table(table)
