"""The edges of a graph or a batch of PyG."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.data import Data

from rethinkpool_core.errors import DataError

_OTHER_FORMS = ("adj_t", "adj")  # made by ToSparseTensor and ToDense, which remove edge_index


def edges_of(data: Data, where: str) -> Tensor:
    """Return ``edge_index`` as int64 (2, edges); without one there are no edges.

    where  the graph or batch, for messages

    Raises DataError for edges in another form.
    """
    edges = data.edge_index
    if edges is None:
        other = next((key for key in _OTHER_FORMS if data.get(key) is not None), None)
        if other is not None:
            raise DataError(
                f"{where} has {other} in place of edge_index: leave out the transform that made it"
            )
        return torch.empty(2, 0, dtype=torch.int64)
    if not isinstance(edges, Tensor):
        raise DataError(
            f"{where} has an edge_index of type {type(edges).__name__}: give a tensor of whole numbers of shape (2, edges)"
        )
    numbers = not (edges.is_floating_point() or edges.is_complex() or edges.dtype == torch.bool)
    if edges.dim() != 2 or edges.shape[0] != 2 or not numbers:
        raise DataError(
            f"{where} has an edge_index of shape {tuple(edges.shape)} and type {edges.dtype}: "
            "give whole numbers of shape (2, edges)"
        )
    return edges.long()
