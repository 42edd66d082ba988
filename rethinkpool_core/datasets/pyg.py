"""Graphs of PyG, checked and packed."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.data.data import BaseData

from rethinkpool_core.datasets.pyg_edges import edges_of
from rethinkpool_core.datasets.spec import DATASETS, ONES_WIDTH, DatasetSpec, Features, Task
from rethinkpool_core.datasets.splits import graph_numbers
from rethinkpool_core.datasets.storage.pack import pack
from rethinkpool_core.datasets.storage.packed import PARTS, Packed
from rethinkpool_core.errors import DataError, UnknownNameError, UsageError
from rethinkpool_core.paper.metrics import METRICS

log = logging.getLogger(__name__)

MAX_CATEGORIES = 4096
"""More in one column, or more classes, are numbers or names; as one-hot vectors or outputs they would fill the memory."""

TASKS: tuple[Task, ...] = get_args(Task)
_METRICS_OF = {"binary": ("accuracy", "rocauc"), "multiclass": ("accuracy",), "regression": ("mae",)}


def read_pyg(
    graphs: Iterable[Data],
    name: str,
    task: Task | None,
    metric: str | None,
    split: Mapping[str, Sequence[int] | Tensor] | None,
    like: str,
) -> tuple[DatasetSpec, Packed, int]:
    """Return the spec, the packed graphs and the number of outputs; arguments and errors are those of `GraphDataset.from_pyg`."""
    _check_name(name)
    if like not in DATASETS:
        raise UnknownNameError("dataset", like, DATASETS, where="whose settings models could take (like)")
    graphs = _list_of(graphs, name)
    edges = [edges_of(graph, f"graph {number} of {name}") for number, graph in enumerate(graphs)]
    features, width, x = _node_features(graphs, name)
    if not len(x):
        raise DataError(f"no graph of {name} has a node: give graphs with nodes")
    task, y, outputs = _targets(graphs, task, name)
    metric = _checked_metric(metric, task)
    num_nodes = [_num_nodes(graph, number, name) for number, graph in enumerate(graphs)]
    _check_edges(edges, num_nodes, name)
    if any(graph.get("edge_attr") is not None or graph.get("edge_weight") is not None for graph in graphs):
        log.warning(
            "%s: edge features are ignored, as by the paper's models on all datasets but MOLHIV", name
        )
    store = pack(
        x,
        torch.cat(edges, dim=1),
        y,
        num_nodes=torch.tensor(num_nodes),
        num_edges=torch.tensor([one.shape[1] for one in edges]),
        where=name,
    )
    dropped = sum(one.shape[1] for one in edges) - store.edge_index.shape[1]
    if dropped:
        log.warning("%s: self-loops and repetitions of an edge are dropped, %d in all", name, dropped)
    published = None if split is None else _checked_split(split, len(graphs))
    spec = DatasetSpec(
        name=name,
        task=task,
        metric=metric,
        features=features,
        num_features=width,
        num_classes=outputs,
        split="stratified" if published is None else "published",
        source="memory",
        upstream=name,
        licence="not known",
        edges_counted="directed",
        label_count="occurring" if features == "one_hot" else "none",
        like=like,
    )
    return spec, Packed(store, features, width, published), outputs


def _check_name(name: str) -> None:
    if not isinstance(name, str) or not name.strip():
        raise UsageError(f"a dataset cannot be named {name!r}: give a short text such as 'MY-GRAPHS'")
    if name in DATASETS or name.startswith("TU:"):
        raise UsageError(f"{name} is the name of a dataset that load_dataset knows: choose another name")


def _list_of(graphs: Iterable[Data], name: str) -> list[Data]:
    if isinstance(graphs, BaseData):
        raise UsageError(f"{name} was given one graph: give a list of graphs, or a dataset of PyG")
    try:
        graphs = iter(graphs)
    except TypeError:
        raise UsageError(
            f"{name} was given {type(graphs).__name__}: give a list of graphs, or a dataset of PyG"
        ) from None
    graphs = list(graphs)
    if not graphs:
        raise DataError(f"{name} has no graph: give at least three, so that they can be split")
    for number, graph in enumerate(graphs):
        if not isinstance(graph, Data):
            raise UsageError(f"graph {number} of {name} is of type {type(graph).__name__}: give Data of PyG")
    return graphs


def _node_features(graphs: list[Data], name: str) -> tuple[Features, int, Tensor]:
    """Return kind, width and rows of the node features of all graphs."""
    if not any(_has_features(graph) for graph in graphs):
        nodes = sum(_num_nodes(graph, number, name) for number, graph in enumerate(graphs))
        return "ones", ONES_WIDTH, torch.empty(nodes, 0, dtype=torch.uint8)
    rows = [_checked_rows(graph, number, name) for number, graph in enumerate(graphs)]
    for number, (graph, x) in enumerate(zip(graphs, rows, strict=True)):
        if x.shape[1] != rows[0].shape[1]:
            raise DataError(
                f"graph {number} of {name} has node features of shape {tuple(graph.x.shape)}, and graph 0 "
                f"{tuple(graphs[0].x.shape)}: all need the same number of columns"
            )
    if len({x.is_floating_point() for x in rows}) == 2:
        raise DataError(
            f"some graphs of {name} have node features of floats, others of integers: convert one of them"
        )
    x = torch.cat(rows)
    if x.shape[1] > 1 and bool(((x == 0) | (x == 1)).all() and (x.sum(dim=1) == 1).all()):
        return "one_hot", x.shape[1], x.argmax(dim=1, keepdim=True)
    return ("dense", x.shape[1], x) if x.is_floating_point() else _categories(x, name)


def _has_features(graph: Data) -> bool:
    """Return whether a graph has node features; those that `TUDataset` leaves without labels have no columns."""
    return graph.x is not None and not (
        isinstance(graph.x, Tensor) and graph.x.dim() == 2 and graph.x.shape[1] == 0
    )


def _checked_rows(graph: Data, number: int, name: str) -> Tensor:
    """Return the node features of one graph as rows of floats, or of int64."""
    if not _has_features(graph):
        raise DataError(
            f"graph {number} of {name} has no node features, and others have some: give all or none"
        )
    if not isinstance(graph.x, Tensor):
        raise DataError(
            f"graph {number} of {name} has node features of type {type(graph.x).__name__}: give a tensor"
        )
    if graph.x.layout != torch.strided or graph.x.is_complex():
        raise DataError(
            f"graph {number} of {name} has node features of type {graph.x.dtype} and layout {graph.x.layout}: "
            "give a dense tensor of real numbers"
        )
    x = graph.x.detach()
    if x.dim() == 1:
        x = x.reshape(-1, 1)
    if x.dim() != 2:
        raise DataError(
            f"graph {number} of {name} has node features of shape {tuple(x.shape)}: give one row per node"
        )
    if len(x) != _num_nodes(graph, number, name):
        raise DataError(
            f"graph {number} of {name} has {len(x)} rows of node features and num_nodes is {graph.num_nodes}: correct one"
        )
    if x.is_floating_point():
        if not bool(torch.isfinite(x.float()).all()):  # float32 is what models take
            raise DataError(
                f"graph {number} of {name} has a node feature that is not a finite number: replace it"
            )
        return x
    x = x.long()
    if x.numel() and int(x.min()) < 0:
        raise DataError(f"graph {number} of {name} has the category {int(x.min())}: count categories from 0")
    return x


def _categories(x: Tensor, name: str) -> tuple[Features, int, Tensor]:
    sizes = [int(column.max()) + 1 if column.numel() else 1 for column in x.T]
    if max(sizes) > MAX_CATEGORIES:
        raise DataError(
            f"{name} has node features of integers up to {max(sizes) - 1}, which are categories, of which there are at most "
            f"{MAX_CATEGORIES}: convert numbers to floats, and leave out what only names a node"
        )
    if len(sizes) == 1:
        return "one_hot", sizes[0], x
    columns = [torch.nn.functional.one_hot(column, size) for column, size in zip(x.T, sizes, strict=True)]
    return "dense", sum(sizes), torch.cat(columns, dim=1)


def _num_nodes(graph: Data, number: int, name: str) -> int:
    if graph.x is None and graph.get("num_nodes") is None and graph.edge_index is None:
        raise DataError(f"graph {number} of {name} has neither node features nor edges: set its num_nodes")
    return int(graph.num_nodes)


def _check_edges(edges: list[Tensor], num_nodes: list[int], name: str) -> None:
    for number, (of_graph, nodes) in enumerate(zip(edges, num_nodes, strict=True)):
        if not of_graph.numel():
            continue
        low, high = int(of_graph.min()), int(of_graph.max())
        if low < 0:
            raise DataError(
                f"graph {number} of {name} has an edge that names node {low}: correct its edge_index"
            )
        if high >= nodes:
            raise DataError(
                f"graph {number} of {name} has {nodes} nodes and an edge that names node {high}: correct its edge_index"
            )


def _targets(graphs: list[Data], task: Task | None, name: str) -> tuple[Task, Tensor, int]:
    """Return the task, the targets ``[graphs]`` and the number of outputs."""
    if task is not None and task not in TASKS:
        raise UnknownNameError("task", task, TASKS)
    values = []
    for number, graph in enumerate(graphs):
        try:
            y = None if graph.get("y") is None else torch.as_tensor(graph.y)
        except (TypeError, ValueError, RuntimeError):
            raise DataError(
                f"graph {number} of {name} has the target {graph.y!r}: every graph needs one number"
            ) from None
        if y is None or y.numel() != 1 or y.is_complex():
            found = "no target y" if y is None else f"a target y of shape {tuple(y.shape)} and type {y.dtype}"
            raise DataError(f"graph {number} of {name} has {found}: every graph needs one number")
        values.append((y if y.is_floating_point() else y.long()).detach().reshape(1))
    y = torch.cat(values)
    finite = torch.isfinite(y.float())  # float32 is what models take
    if not bool(finite.all()):
        raise DataError(
            f"graph {int((~finite).nonzero()[0])} of {name} has a target that is not a finite number: replace it"
        )
    if task == "regression" or (task is None and y.is_floating_point()):
        return "regression", y.to(torch.float32), 1
    classes = y.long()
    wrong = (classes != y) | (classes < 0)
    if bool(wrong.any()):
        number = int(wrong.nonzero()[0])
        raise DataError(f"graph {number} of {name} has the class {y[number].item():g}: count classes from 0")
    count = max(2, int(classes.max()) + 1)
    if task == "binary" and count > 2:
        number = int(classes.argmax())
        raise DataError(f"graph {number} of {name} has the class {count - 1}, and a binary task has 0 and 1")
    if count > MAX_CATEGORIES:
        raise DataError(
            f"graph {int(classes.argmax())} of {name} has the class {count - 1}, and there are at most {MAX_CATEGORIES} classes: "
            "number them from 0, or give task='regression' if they are numbers"
        )
    return task or ("binary" if count == 2 else "multiclass"), classes, count


def _checked_metric(metric: str | None, task: Task) -> str:
    if metric is None:
        return _METRICS_OF[task][0]
    if metric not in METRICS:
        raise UnknownNameError("metric", metric, METRICS)
    if metric not in _METRICS_OF[task]:
        raise UsageError(
            f"a {task} task cannot be scored by {metric}: choose {' or '.join(_METRICS_OF[task])}"
        )
    return metric


def _checked_split(split: Mapping[str, Sequence[int] | Tensor], graphs: int) -> dict[str, Tensor]:
    if not isinstance(split, Mapping) or set(split) != set(PARTS):
        raise UsageError(
            "split must have the indices of train, val and test, as {'train': [...], 'val': [...], 'test': [...]}"
        )
    found = {part: graph_numbers(split[part], graphs, f"the {part} split") for part in PARTS}
    seen = torch.zeros(graphs, dtype=torch.bool)
    for part, index in found.items():
        if not len(index):
            raise UsageError(f"the {part} split is empty: give it at least one graph")
        if bool(seen[index].any()) or len(index.unique()) < len(index):
            twice = index[seen[index]] if bool(seen[index].any()) else index[index.bincount()[index] > 1]
            raise UsageError(
                f"graph {int(twice[0])} is in the split twice, the second time in {part}: no graph may be"
            )
        seen[index] = True
    return found
