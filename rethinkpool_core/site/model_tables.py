"""Tables of section A.2: the models, their settings as printed, numbers of clusters and of parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from rethinkpool_core.datasets.spec import DATASETS
from rethinkpool_core.models.build import model_config
from rethinkpool_core.models.names import MODELS
from rethinkpool_core.models.registry import find_model
from rethinkpool_core.models.size import model_size
from rethinkpool_core.paper import table_rows
from rethinkpool_core.paper.settings import source_of
from rethinkpool_core.parameters.descriptions import described_parameters
from rethinkpool_core.site.dataset_tables import Counts, in_order
from rethinkpool_core.site.tables import markdown, prose_table
from rethinkpool_core.training.config import TrainingConfig, training_config

_FAMILY = {
    "Graclus": "graclus",
    "DiffPool": "diffpool",
    "DiffPoolV2": "diffpool",
    "MinCutPool": "mincutpool",
    "GMN": "gmn",
}
_HOW = {
    "GRACLUS": "pairs of nodes that an edge joins, by a greedy matching",
    "COMPLEMENT": "pairs of nodes that *no* edge joins",
    "NO-POOL": "none: the control without pooling",
    "DIFFPOOL": "predicted by a GNN",
    "U-DIFFPOOL": "uniform noise, one row per node position",
    "N-DIFFPOOL": "normal noise, one row per node position",
    "B-DIFFPOOL": "Bernoulli noise, one row per node position",
    "U-DIFFPOOL-INV": "features times uniform noise",
    "N-DIFFPOOL-INV": "features times normal noise",
    "B-DIFFPOOL-INV": "features times Bernoulli noise",
    "DIFFPOOL-V2": "predicted by a GNN of three layers",
    "N-DIFFPOOL-V2": "normal noise, one row per node position",
    "MINCUTPOOL": "predicted by a linear map of the features",
    "N-MINCUTPOOL": "normal noise, one row per node position",
    "GMN": "similarity to learned keys",
    "DISTANCE-GMN": "distance to fixed random keys",
    "RANDOM-GMN": "uniform noise, one row per node position",
}


_NO_EFFECT = "no effect"
_FIXED = "A value marked *fixed* makes the model what it is and cannot be set."


def page_of(model: str) -> str:
    """Return the name of the page about a built-in model, ``"diffpool"`` for ``"N-DIFFPOOL"``."""
    return "no-pool" if model == "NO-POOL" else _FAMILY[find_model(model).cls.__name__]


def overview(folder: str = "../models") -> str:
    """Return a table of the built-in models: how nodes are assigned to clusters, and the twin's method.

    folder  of the models' pages, from the page with the table
    """
    rows = []
    for name in MODELS:
        twin_of = find_model(name).twin_of
        rows.append(
            [f"[`{name}`]({folder}/{page_of(name)}.md)", _HOW[name], f"`{twin_of}`" if twin_of else ""]
        )
    return markdown(["model", "assignment of nodes to clusters", "twin of"], rows)


def settings_table(table: str) -> str:
    """Return the settings of Table S2, S3 or S4 as printed, or those of Appendix B ("B") from the release."""
    rows = table_rows(table)
    columns = [name for name in rows[0] if name != "source"]
    body = [
        [_code(row[name]) if name in ("model", "dataset") else row[name] for name in columns] for row in rows
    ]
    return markdown([name.replace("num_", "").replace("_", " ") for name in columns], body)


def _code(value: object) -> str:
    return f"`{value}`"


def cluster_table(counts: Counts) -> str:
    """Return the number of clusters of each pooling layer per dataset.

    In brackets the percentage of graphs with fewer nodes than the first layer has clusters.
    """
    models = ("DIFFPOOL", "DIFFPOOL-V2", "MINCUTPOOL", "GMN")
    rows = []
    for one in in_order(counts):
        cells = []
        for model in models:
            clusters = model_size(model, one).clusters
            cells.append(f"{', '.join(map(str, clusters))} ({_percent(one.share_below(clusters[0]))})")
        rows.append([f"`{one.name}`", f"{one.mean_nodes:.0f}", one.max_nodes, *cells])
    return markdown(["dataset", "mean nodes", "largest graph", *(f"`{model}`" for model in models)], rows)


def _percent(share: float) -> str:
    """Return a share in percent, where only all is 100 % and only none is 0 %."""
    text = f"{100 * share:.0f} %"
    if text == "100 %" and share < 1:
        return "> 99 %"
    return "< 1 %" if text == "0 %" and share > 0 else text


def parameter_table(counts: Counts) -> str:
    """Return the number of learned parameters of every model on every dataset; models with the same numbers share a row."""
    datasets = in_order(counts)
    sizes = {name: tuple(model_size(name, one).parameters for one in datasets) for name in MODELS}
    groups: dict[tuple[str, tuple[int, ...]], list[str]] = {}
    for name, numbers in sizes.items():
        groups.setdefault((find_model(name).cls.__name__, numbers), []).append(name)
    rows = [
        ["<br>".join(map(_code, names)), *map(_thousands, numbers)] for (_, numbers), names in groups.items()
    ]
    return markdown(["model", *(one.name for one in datasets)], rows)


def _thousands(value: int) -> str:
    return f"{value:,}".replace(",", "\u202f")


def defaults_table(models: Sequence[str]) -> str:
    """Return the parameters of models of one class with their defaults and meaning.

    Where a default depends on the dataset, its source is named; where models differ, each has its own, and a model on which the
    parameter has no effect has none. Parameters that make a variant what it is are fixed: they cannot be set.
    """
    described = described_parameters(find_model(models[0]).config) | {
        name: described_parameters(TrainingConfig)[name] for name in ("batch_size", "clip_norm")
    }
    names = [field.name for field in fields(find_model(models[0]).config)] + ["batch_size", "clip_norm"]
    rows = []
    for name in names:
        having: dict[str, list[str]] = {}
        for model in models:
            having.setdefault(_default(model, name), []).append(model)
        unused = having.pop(_NO_EFFECT, [])
        parts = [f"{', '.join(map(_code, names))}: {value}" for value, names in having.items()]
        text = next(iter(having)) if len(having) == 1 and not unused else "; ".join(parts)
        rows.append([f"`{name}`", text, described.get(name, "")])
    table = prose_table(["parameter", "default", "meaning"], rows)
    return f"{table}\n{_FIXED}\n" if any("(fixed)" in row[1] for row in rows) else table


def _default(model: str, parameter: str) -> str:
    registered = find_model(model)
    if parameter in registered.fixed:
        return f"{_shown(registered.fixed[parameter])} (fixed)"
    if parameter not in ("batch_size", "clip_norm") and parameter not in registered.parameters:
        return _NO_EFFECT
    found = {_shown(_value(model, dataset, parameter)) for dataset in DATASETS}
    if len(found) == 1:
        return found.pop()
    if parameter == "sum_input":
        return "true on `IMDB-B`, else false"
    return f"per dataset, {source_of(model, 'NCI1')}"


def _value(model: str, dataset: str, parameter: str) -> object:
    if parameter in ("batch_size", "clip_norm"):
        return getattr(training_config(model, dataset), parameter)
    return getattr(model_config(model, DATASETS[dataset]), parameter)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "learned" if value == "" else f"{value}"
