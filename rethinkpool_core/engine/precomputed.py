"""Terms of pooled graphs that a fixed assignment determines: recorded in one pass over the dataset, then looked up.

Where S is fixed, S^T A S and all that follows from it depend on the graph and the seed alone. The rules of the engine ask for
such a term by name; it is then computed, or computed and recorded, or found in the batch. A term has one row per graph, or
one row per node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from rethinkpool_core.batching.batch import Batch
from rethinkpool_core.engine.nodes import NodeLayout

PER_NODE = "nodes/"
"""Starts the names of terms with one row per node of the input graphs."""

_PREFIX = "precomputed/"

Compute = Callable[[], Tensor]


class Terms:
    """The terms of one pooling layer, computed whenever they are asked for."""

    available = False  # whether a term costs nothing in later steps

    def at(self, level: int) -> Terms:
        """Return the terms of the pooling layer ``level``, counted from 1."""
        return self

    def get(self, name: str, compute: Compute) -> Tensor:
        """Return a term with one row per graph, (B, ...)."""
        return compute()

    def rows(self, name: str, nodes: NodeLayout, compute: Compute, *, padded: bool = False) -> Tensor:
        """Return a term with one row per node, (N, D) or (B, n, D); ``padded`` as the buckets of ``nodes`` pad it."""
        return nodes.buckets.pad(compute()) if padded else compute()


class RecordedTerms(Terms):
    """Terms that are kept in ``found`` under their full names."""

    available = True

    def __init__(self, found: dict[str, Tensor], level: int = 0):
        self.found, self.level = found, level

    def at(self, level: int) -> RecordedTerms:
        return RecordedTerms(self.found, level)

    def get(self, name: str, compute: Compute) -> Tensor:
        return self._keep(f"{self.level}/{name}", compute)

    def rows(self, name: str, nodes: NodeLayout, compute: Compute, *, padded: bool = False) -> Tensor:
        found = self._keep(_row_name(self.level, name, nodes), compute)
        return nodes.buckets.pad(found) if padded else found

    def _keep(self, name: str, compute: Compute) -> Tensor:
        if name not in self.found:
            self.found[name] = compute()
        return self.found[name]


class StoredTerms(Terms):
    """Terms that `with_precomputed` has put into a batch; those that no training step needs are computed.

    Rows of ragged nodes are there as their buckets pad them.
    """

    available = True

    def __init__(self, batch: Batch, level: int = 0):
        self.batch, self.level = batch, level

    def at(self, level: int) -> StoredTerms:
        return StoredTerms(self.batch, level)

    def get(self, name: str, compute: Compute) -> Tensor:
        found = self.batch.tensors.get(f"{_PREFIX}{self.level}/{name}")
        return compute() if found is None else found

    def rows(self, name: str, nodes: NodeLayout, compute: Compute, *, padded: bool = False) -> Tensor:
        found = self.batch.tensors.get(_PREFIX + _row_name(self.level, name, nodes))
        if found is None:
            return super().rows(name, nodes, compute, padded=padded)
        return found if padded else nodes.buckets.unpad(found)


def _row_name(level: int, name: str, nodes: NodeLayout) -> str:
    return f"{PER_NODE if nodes.pointer is not None else ''}{level}/{name}"


def terms_of(batch: Batch) -> Terms:
    """Return the terms that ``batch`` brings, if any."""
    return StoredTerms(batch) if any(name.startswith(_PREFIX) for name in batch.tensors) else Terms()


def with_precomputed(batch: Batch, terms: Mapping[str, Tensor]) -> Batch:
    """Return ``batch`` with the terms of its graphs.

    terms  of the whole dataset by full name, (R, G, ...) of G graphs or (R, N + 1, ...) of N nodes and one for padding
    """
    tensors = dict(batch.tensors)
    for name, value in terms.items():
        R, count = value.shape[:2]
        per_node = name.startswith(PER_NODE)
        number = batch.node_id if per_node else batch.graph_id
        index = (number.view(R, -1) + count * torch.arange(R, device=value.device)[:, None]).view(-1)
        index = index.index_select(0, batch.buckets.row_of_slot) if per_node else index
        tensors[_PREFIX + name] = value.flatten(0, 1).index_select(0, index)
    return batch.with_tensors(tensors)
