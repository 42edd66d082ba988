"""Packing of the graphs of a loader: sort the edges, narrow the types, check."""

from __future__ import annotations

import torch
from torch import Tensor

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
    order = _sort_order(edge_index, node_offsets, num_edges)
    if order is not None:
        edge_index = edge_index[:, order]
        edge_attr = edge_attr[order] if edge_attr is not None else None
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


def _sort_order(edge_index: Tensor, node_offsets: Tensor, num_edges: Tensor) -> Tensor | None:
    """Return the order of the edges by (graph, source, target), or ``None`` if they are in that order."""
    if edge_index.shape[1] != int(num_edges.sum()):
        return None  # the store's own check reports it
    first_node = torch.repeat_interleave(node_offsets[:-1], num_edges)
    key = (first_node + edge_index[0]) * int(node_offsets.diff().max()) + edge_index[1]
    if bool((key.diff() >= 0).all()):
        return None
    return torch.argsort(key, stable=True)
