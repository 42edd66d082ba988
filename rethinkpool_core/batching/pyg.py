"""A batch of PyG as a batch of the package, for training loops of a reader's own."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch_geometric.data import Data

from rethinkpool_core.batching.batch import Batch, BatchBuilder
from rethinkpool_core.datasets.pyg_edges import edges_of
from rethinkpool_core.datasets.spec import Features
from rethinkpool_core.datasets.storage.pack import pack
from rethinkpool_core.datasets.storage.store import GraphStore
from rethinkpool_core.errors import DataError, UsageError


@dataclass(frozen=True)
class _Graphs:
    """What `BatchBuilder` needs to know about a dataset."""

    store: GraphStore
    features: Features
    num_features: int

    @property
    def spec(self) -> _Graphs:
        return self


def batch_from_pyg(data: Data, in_dim: int, molecules: bool, dtype: torch.dtype) -> Batch:
    """Return the graphs of a PyG `Batch`, or a single `Data`, sorted by size; ``graph_id`` has their places in ``data``.

    in_dim     number of columns of ``data.x``
    molecules  whether ``data.x`` and ``data.edge_attr`` are OGB's categories

    Random draws are keyed by ``data.graph_id`` where it is given, as `GraphDataset.to_pyg` does, else by the place in the batch.

    Without ``edge_index`` there are no edges, as in `GraphDataset.from_pyg`.

    Raises UsageError for something else than a batch of PyG, DataError for node features, edges or numbers of graphs that do
    not fit.
    """
    if not isinstance(data, Data):
        raise UsageError(
            f"a model takes a Batch or Data of PyG, or a batch of the package, not {type(data).__name__}"
        )
    x = data.x
    if not isinstance(x, Tensor) or x.layout != torch.strided or x.dim() != 2 or x.shape[1] != in_dim:
        found = "no node features" if x is None else f"node features of {_kind(x)}"
        raise DataError(
            f"the batch has {found}, and the model was built for {in_dim} columns: give it those of its dataset"
        )
    if not len(x):
        raise DataError("no graph of the batch has a node: give at least one that has")
    if not bool(torch.isfinite(x.float()).all()):  # float32 is what datasets hold
        raise DataError("the batch has a node feature that is not a finite number: replace it")
    if molecules and data.edge_attr is None:
        raise DataError(
            "the batch has no edge features, and the model was built for molecules: give edge_attr"
        )
    num_nodes, edge_index, num_edges, order = _by_graph(data)
    edge_attr = data.edge_attr[order] if molecules else None
    y = torch.zeros(
        len(num_nodes), dtype=torch.int64
    )  # the targets are the business of the reader's own loop
    store = pack(
        x.cpu(),
        edge_index,
        y,
        num_nodes,
        num_edges,
        None if edge_attr is None else edge_attr.cpu(),
        where="the batch",
    )
    store = replace(store, x=x.cpu())  # in float16, gradients would be rounded on their way to x
    builder = BatchBuilder(_Graphs(store, "categorical" if molecules else "dense", in_dim), x.device, dtype)
    ids = data.get("graph_id")
    if ids is not None:
        builder.graphs = replace(builder.graphs, ids=_checked_ids(ids, store.num_graphs))
    return builder(torch.arange(store.num_graphs))


def _kind(x: object) -> str:
    if not isinstance(x, Tensor):
        return f"type {type(x).__name__}"
    layout = "" if x.layout == torch.strided else f" and layout {x.layout}"
    return f"shape {tuple(x.shape)} and type {x.dtype}{layout}"


def _checked_ids(ids: object, graphs: int) -> Tensor:
    if not isinstance(ids, Tensor) or ids.numel() != graphs or ids.is_floating_point():
        raise DataError(
            f"the batch has a graph_id of {_kind(ids)} in place of one whole number per graph: correct or remove it"
        )
    return ids.cpu().reshape(-1).long()


def _by_graph(data: Data) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the nodes per graph, the edges counted within each graph, their number per graph, and their order in ``data``."""
    nodes = data.x.shape[0]
    graph = torch.zeros(nodes, dtype=torch.int64) if data.get("batch") is None else data.batch.cpu()
    graphs = getattr(data, "num_graphs", None) or int(graph.max()) + 1
    if bool((graph.diff() < 0).any()):
        raise DataError(
            "the nodes of the batch are not in the order of their graphs: make it with PyG's DataLoader or Batch"
        )
    num_nodes = torch.bincount(graph, minlength=graphs)
    edges = edges_of(data, "the batch").cpu()
    if edges.numel() and not 0 <= int(edges.min()) <= int(edges.max()) < nodes:
        raise DataError(f"an edge of the batch names a node outside 0 to {nodes - 1}: correct its edge_index")
    first, last = graph[edges]
    if bool((first != last).any()):
        raise DataError("an edge of the batch joins two graphs: correct its edge_index or its batch vector")
    order = first.argsort(stable=True)
    offsets = num_nodes.cumsum(0) - num_nodes
    return num_nodes, (edges - offsets[first])[:, order], torch.bincount(first, minlength=graphs), order
