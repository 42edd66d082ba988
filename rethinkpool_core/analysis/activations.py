"""Activations of trained models on test graphs (Appendix E), computed from the weights that a store has kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rethinkpool_core.errors import StorageError
from rethinkpool_core.files.atomic import write_tensors

if TYPE_CHECKING:
    from rethinkpool_core.datasets.dataset import GraphDataset
    from rethinkpool_core.experiments.grids import Grid
    from rethinkpool_core.experiments.store import ResultStore
    from rethinkpool_core.models.base import PoolingModel

BATCH_SIZE = 64


@dataclass(frozen=True)
class LayerSpread:
    """Relative spread of the nodes after a layer (`smoothness.relative_spread`) over the test graphs.

    mean, std    over the graphs where it is defined; None if there is none
    graphs       number of these graphs
    """

    layer: str
    mean: float | None
    std: float | None
    graphs: int


@dataclass(frozen=True)
class TracedGraph:
    """The activations of one test graph.

    number    of the graph in the dataset
    layers    (nodes or clusters, features) by the name of the layer, in order
    """

    number: int
    layers: dict[str, np.ndarray]


@dataclass(frozen=True)
class TracedRun:
    """The main layers of one trained model.

    run    what identifies the run: key, model, dataset, seed, test_score, commit, command
    """

    run: dict[str, Any]
    spreads: list[LayerSpread]
    graphs: list[TracedGraph]


def trace_run(model: PoolingModel, dataset: GraphDataset, run: dict[str, Any]) -> TracedRun:
    """Return the main layers of a trained model on the test graphs of ``dataset``, whose split is that of the run.

    Three graphs are shown: those whose numbers of nodes are the quartiles of the test graphs.
    """
    import torch

    from rethinkpool_core.analysis.smoothness import relative_spread

    spreads: dict[str, list[torch.Tensor]] = {}
    for batch, layers in _batches(model, dataset, dataset.test):
        for name, activation in layers.items():
            spreads.setdefault(name, []).append(relative_spread(activation, batch.num_graphs))
    chosen = quartile_graphs(dataset)
    ((_, layers),) = _batches(model, dataset, chosen)
    graphs = [
        TracedGraph(
            int(number), {name: one.of_graph(row).float().numpy().copy() for name, one in layers.items()}
        )
        for row, number in enumerate(chosen)
    ]
    return TracedRun(run, [_summary(name, torch.cat(values)) for name, values in spreads.items()], graphs)


def quartile_graphs(dataset: GraphDataset):
    """Return the indices of three test graphs: those at the quartiles of the number of nodes, the first of equal ones."""
    sizes = dataset.store.num_nodes[dataset.test]
    order = sizes.argsort(stable=True)
    return dataset.test[order[[round(q * (len(order) - 1)) for q in (0.25, 0.5, 0.75)]]]


def _batches(model: PoolingModel, dataset: GraphDataset, index) -> Iterator[tuple[Any, dict[str, Any]]]:
    import torch

    from rethinkpool_core.batching.batch import BatchBuilder

    builder = BatchBuilder(dataset, dtype=next(model.parameters()).dtype)
    with torch.no_grad():
        for part in index.split(BATCH_SIZE):
            batch = builder(part)
            layers = model(batch, trace=True)[2]
            yield batch, {name: one for name, one in layers.items() if not name.startswith("assignment")}


def _summary(layer: str, values) -> LayerSpread:
    defined = values[~values.isnan()]
    if not len(defined):
        return LayerSpread(layer, None, None, 0)
    std = defined.std().item() if len(defined) > 1 else None
    return LayerSpread(layer, defined.mean().item(), std, len(defined))


def trace_store(store: ResultStore, grid: Grid, root: str | None = None) -> list[TracedRun]:
    """Return the main layers of each run of ``grid`` whose weights are in the store, in the order of the grid.

    Raises DataError as `stored_models` does.
    """
    from rethinkpool_core.analysis.stored_models import stored_models

    traced = []
    for one in stored_models(store, grid, root):
        record = one.record
        run = {
            "key": one.cell.key(record.seed),
            "model": record.model,
            "dataset": record.dataset,
            "seed": record.seed,
            "test_score": record.test_score,
            "commit": record.provenance.get("commit"),
            "command": f"rethinkpool grid {grid.name} --model {record.model} --dataset {record.dataset}",
        }
        traced.append(trace_run(one.model, one.dataset, run))
    return traced


def write_activations(path: Path, runs: Sequence[TracedRun]) -> None:
    """Write traced runs to a safetensors file (raises StorageError)."""
    import torch

    tensors, described = {}, []
    for i, traced in enumerate(runs):
        for j, graph in enumerate(traced.graphs):
            for k, values in enumerate(graph.layers.values()):
                tensors[f"{i}/{j}/{k}"] = torch.from_numpy(values)
        described.append(
            {
                "run": traced.run,
                "spreads": [asdict(one) for one in traced.spreads],
                "graphs": [{"number": one.number, "layers": list(one.layers)} for one in traced.graphs],
            }
        )
    write_tensors(path, tensors, {"runs": json.dumps(described)})


def read_activations(path: Path) -> list[TracedRun]:
    """Inverse of `write_activations`. Raises StorageError for a file that cannot be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            return [
                TracedRun(
                    one["run"],
                    [LayerSpread(**spread) for spread in one["spreads"]],
                    [
                        TracedGraph(
                            graph["number"],
                            {name: file.get_tensor(f"{i}/{j}/{k}") for k, name in enumerate(graph["layers"])},
                        )
                        for j, graph in enumerate(one["graphs"])
                    ],
                )
                for i, one in enumerate(json.loads(file.metadata()["runs"]))
            ]
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise StorageError(
            f"cannot read the activations {path} ({type(error).__name__}: {error}): write them again with "
            "`rethinkpool results activations`"
        ) from None
