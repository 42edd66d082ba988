"""``rethinkpool models [MODEL [DATASET]]``: list the models, or the parameters that ``train --set`` takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import typer

from rethinkpool_core.analysis.pairs import CONTROL
from rethinkpool_core.commands.data import dataset_names, dataset_spelling
from rethinkpool_core.commands.modules import Modules
from rethinkpool_core.commands.output import print_table, print_text
from rethinkpool_core.commands.values import known_spelling
from rethinkpool_core.datasets.spec import DATASETS, get_spec
from rethinkpool_core.errors import UnknownNameError
from rethinkpool_core.models.modules import import_models
from rethinkpool_core.models.registry import methods_and_twins, model_names
from rethinkpool_core.parameters.descriptions import described_parameters

if TYPE_CHECKING:
    from rich.table import Table

_TYPES = {int: "whole number", float: "number", bool: "true or false", str: "word"}


def models_command(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            help="List the parameters of this model.",
            autocompletion=lambda: list(model_names()),
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Argument(
            metavar="DATASET", help="Show the defaults for this dataset.", autocompletion=dataset_names
        ),
    ] = None,
    module: Modules = None,
) -> None:
    """List the models or, with the name of one, the parameters that --set of `rethinkpool train` takes."""
    import_models(module or ())
    if model is None:
        print_table(models_table())
        print_text("`rethinkpool models MODEL [DATASET]` lists the parameters of a model and their defaults.")
        return
    model = known_spelling(model, model_names())
    if model not in model_names():
        raise UnknownNameError("model", model, model_names())
    datasets = list(DATASETS) if dataset is None else [get_spec(dataset_spelling(dataset)).name]
    print_table(parameters_table(model, datasets))
    if dataset is None:
        print_text(f"`rethinkpool models {model} DATASET` shows the defaults for a dataset.")


def models_table() -> Table:
    """Table with a row per model and its role."""
    from rich.table import Table

    table = Table("model", "role")
    twins_of = methods_and_twins().items()
    roles = {twin: f"randomised twin of {method}" for method, twins in twins_of for twin in twins}
    roles |= {
        "COMPLEMENT": "twin of GRACLUS: clusters the complement graph",
        "DISTANCE-GMN": "twin of GMN: assigns by distance to fixed random keys",
    }
    roles |= {CONTROL: "control: the network of GRACLUS without pooling"}
    for name in model_names():
        table.add_row(name, roles.get(name, "pooling method"))
    return table


def parameters_table(model: str, datasets: list[str]) -> Table:
    """Table with a row per parameter of the model and of its training: type, default on these datasets, and meaning."""
    from rich.table import Table

    from rethinkpool_core.models.build import config_fields, model_config
    from rethinkpool_core.training.config import training_config, training_fields

    where = f" on {datasets[0]}" if len(datasets) == 1 else ""
    table = Table(
        "parameter", "type", "default", "", title=f"parameters of {model}{where} and of its training"
    )
    specs = [get_spec(dataset) for dataset in datasets]
    models = [model_config(model, spec) for spec in specs]
    trainings = [training_config(model, spec.name) for spec in specs]
    for fields, configs in ((config_fields(model), models), (training_fields(), trainings)):
        described = described_parameters(type(configs[0]))
        for name, kind in fields.items():
            defaults = {_shown(getattr(config, name)) for config in configs}
            default = defaults.pop() if len(defaults) == 1 else "by dataset"
            table.add_row(name, _type_words(kind), default, described.get(name, ""))
    return table


def _type_words(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(get_args(kind))
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        return f"list of {_type_words(item)}" + ("s" if item in (int, float, str) else "")
    return _TYPES[kind]


def _shown(value: Any) -> str:
    """A value as ``--set`` takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(list(value)) if isinstance(value, tuple) else str(value)
