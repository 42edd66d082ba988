"""Packing of the graphs of a loader: sort the edges, drop loops and repetitions, narrow the types, check."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from rethinkpool_core.datasets.ragged import offsets_from_sizes
from rethinkpool_core.datasets.storage.store import GraphStore

_INT16_NODES = 32768


def pack(
    x: Tensor,
    edge_index: Tensor,
    y: Tensor,
    num_nodes: Tensor,
    num_edges: Tensor,
    edge_attr: Tensor | None = None,
    *,
    where: str,
) -> GraphStore:
    """Build a checked store from concatenated graphs.

    Adjacency matrices have zeros on the diagonal and entries of 0 and 1: self-loops are dropped, and of an edge that is there
    several times all but the first, as PyG does for the sets of TU Dortmund.

    x                     ``[nodes, C]`` integers or floats
    edge_index            ``[2, edges]``, counted within each graph, in any order inside a graph
    y                     ``[graphs]`` classes or targets
    num_nodes, num_edges  ``[graphs]`` nodes and directed edges of each graph
    edge_attr             ``[edges, C]`` integers, or ``None``
    where                 the dataset's name, for messages

    Raises DataError if an edge leaves its graph, a count does not fit, or a number is not finite.
    """
    node_offsets, edge_offsets = (offsets_from_sizes(sizes.long()) for sizes in (num_nodes, num_edges))
    index_type = torch.int16 if int(num_nodes.max()) < _INT16_NODES else torch.int32
    kept = _kept_edges(edge_index, node_offsets, num_edges)
    if kept is not None:
        graph = torch.repeat_interleave(torch.arange(len(num_edges)), num_edges)[kept]
        edge_offsets = offsets_from_sizes(torch.bincount(graph, minlength=len(num_edges)))
        edge_index = edge_index[:, kept]
        edge_attr = edge_attr[kept] if edge_attr is not None else None
    store = GraphStore(
        x=narrow(x).contiguous(),
        edge_index=edge_index.to(index_type).contiguous(),
        edge_attr=None if edge_attr is None else narrow(edge_attr).contiguous(),
        y=y.to(torch.float32 if y.is_floating_point() else torch.int64).contiguous(),
        node_offsets=node_offsets,
        edge_offsets=edge_offsets,
    )
    store.validate(where)
    return store


def narrow(values: Tensor) -> Tensor:
    """Return the same numbers in the smallest type that holds them exactly (floats: after rounding to float32)."""
    if values.is_floating_point():
        values = values.to(torch.float32)
        half = values.to(torch.float16)
        return half if torch.equal(half.to(torch.float32), values) else values
    if values.numel() == 0:
        return values.to(torch.uint8)
    low, high = int(values.min()), int(values.max())
    for dtype in (torch.uint8, torch.int16, torch.int32):
        if torch.iinfo(dtype).min <= low and high <= torch.iinfo(dtype).max:
            return values.to(dtype)
    return values


def _kept_edges(edge_index: Tensor, node_offsets: Tensor, num_edges: Tensor) -> Tensor | None:
    """Return the edges to keep, sorted by (graph, source, target), or ``None`` if these are all, in that order."""
    if edge_index.shape[1] != int(num_edges.sum()):
        return None  # the store's own check reports it
    first_node = torch.repeat_interleave(node_offsets[:-1], num_edges)
    key = (first_node + edge_index[0]) * int(node_offsets.diff().max()) + edge_index[1]
    loop = edge_index[0] == edge_index[1]
    if bool((key.diff() > 0).all()) and not bool(loop.any()):
        return None
    order = torch.argsort(key, stable=True)
    same = (torch.stack([first_node, *edge_index])[:, order].diff(dim=1) == 0).all(dim=0)
    repeated = F.pad(same, (1, 0))[: len(order)]
    return order[~(repeated | loop[order])]
