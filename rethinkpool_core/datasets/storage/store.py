"""All graphs of a dataset as a few flat tensors."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from rethinkpool_core.errors import DataError

OPTIONAL = ("edge_attr",)
FIELDS = ("x", "edge_index", "edge_attr", "y", "node_offsets", "edge_offsets")
# The checks compute in int64: in chunks they need tens of MB, not gigabytes.
_EDGES_PER_CHUNK = 1 << 22


@dataclass(frozen=True, eq=False, repr=False)
class GraphStore:
    """All graphs of a dataset, one after the other; some may have no nodes.

    x             ``[nodes, C]``, in the smallest type that holds the values exactly: label codes ``[nodes, 1]``, integer
                  columns ``[nodes, 9]``, floats, or ``[nodes, 0]`` when nodes carry nothing
    edge_index    ``[2, edges]``, source and target counted from 0 within their graph, sorted by (source, target), without
                  self-loops and repetitions; int16, or int32 when a graph has 32768 nodes or more
    edge_attr     ``[edges, C]`` or ``None``
    y             ``[graphs]``, int64 classes or float32 targets
    node_offsets  ``[graphs + 1]`` int64; graph ``i`` owns nodes ``node_offsets[i]:node_offsets[i + 1]``
    edge_offsets  ``[graphs + 1]`` int64, the same for edges
    """

    x: Tensor
    edge_index: Tensor
    edge_attr: Tensor | None
    y: Tensor
    node_offsets: Tensor
    edge_offsets: Tensor

    def __repr__(self) -> str:
        return f"GraphStore({self.num_graphs} graphs, {len(self.x)} nodes, {self.edge_index.shape[1]} edges)"

    @property
    def num_graphs(self) -> int:
        return self.node_offsets.numel() - 1

    @cached_property
    def num_nodes(self) -> Tensor:
        """Number of nodes of each graph, ``[graphs]`` int64."""
        return self.node_offsets.diff()

    @cached_property
    def num_edges(self) -> Tensor:
        """Number of directed edges of each graph, ``[graphs]`` int64."""
        return self.edge_offsets.diff()

    @cached_property
    def max_nodes(self) -> int:
        return int(self.num_nodes.max())

    def graph(self, index: int) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
        """Return one graph: x ``[n, C]``, edge_index ``[2, e]``, edge_attr ``[e, C]`` or ``None``, y ``[]``."""
        index = range(self.num_graphs)[index]
        nodes = slice(int(self.node_offsets[index]), int(self.node_offsets[index + 1]))
        edges = slice(int(self.edge_offsets[index]), int(self.edge_offsets[index + 1]))
        attributes = None if self.edge_attr is None else self.edge_attr[edges]
        return self.x[nodes], self.edge_index[:, edges], attributes, self.y[index]

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors by name, without those that are ``None``."""
        return {name: value for name in FIELDS if (value := getattr(self, name)) is not None}

    def validate(self, where: str) -> None:
        """Check that offsets are monotone, edges stay inside their graph and numbers are finite.

        where  the dataset or file, for the message

        Raises DataError, which names the first thing that is wrong.
        """
        for problem in self._problems():
            raise DataError(f"{where} is damaged: {problem}; fetch it again")

    def _problems(self):
        graphs = self.num_graphs
        if graphs < 1:
            yield "it holds no graph"
            return
        if self.y.shape != (graphs,):
            yield f"it has {self.y.shape[0]} targets for {graphs} graphs"
        for kind, offsets, count in (
            ("node", self.node_offsets, self.x.shape[0]),
            ("edge", self.edge_offsets, self.edge_index.shape[1]),
        ):
            if offsets.numel() != graphs + 1 or int(offsets[0]) != 0 or int(offsets[-1]) != count:
                yield f"its {kind} offsets do not cover its {count} {kind}s"
                return
            if bool((offsets.diff() < 0).any()):
                yield f"its {kind} offsets go backwards"
                return
        if not len(self.x):
            yield "none of its graphs has a node"
        if self.edge_attr is not None and self.edge_attr.shape[0] != self.edge_index.shape[1]:
            yield f"it has features for {self.edge_attr.shape[0]} of {self.edge_index.shape[1]} edges"
        yield from self._edges_outside()
        for name, tensor in self.tensors().items():
            if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                yield f"{name} holds a number that is not finite"

    def _edges_outside(self):
        edges = self.edge_index.shape[1]
        for start in range(0, edges, _EDGES_PER_CHUNK):
            stop = min(start + _EDGES_PER_CHUNK, edges)
            graph = torch.searchsorted(self.edge_offsets, torch.arange(start, stop), right=True) - 1
            chunk = self.edge_index[:, start:stop]
            outside = ((chunk < 0) | (chunk >= self.num_nodes[graph])).any(dim=0)
            if bool(outside.any()):
                yield f"an edge of graph {int(graph[outside][0])} points outside the graph"
                return

    def digest(self) -> str:
        """Return the digest of the tensors, see `digest_tensors`."""
        return digest_tensors(self.tensors())

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> GraphStore:
        """Return a store of tensors by name (raises KeyError where one is missing)."""
        return cls(**{name: tensors.get(name) if name in OPTIONAL else tensors[name] for name in FIELDS})


def digest_tensors(tensors: dict[str, Tensor]) -> str:
    """Return the BLAKE2b of names, types, shapes and bytes of all tensors in the order of the names (hex, 32 characters)."""
    state = hashlib.blake2b(digest_size=16)
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        state.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)};".encode())
        state.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return state.hexdigest()
