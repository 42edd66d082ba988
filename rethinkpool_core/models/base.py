"""What all models share: what they are told of a dataset, what comes back, the first step on molecules, the output network."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rethinkpool_core.batching.batch import Batch
from rethinkpool_core.engine.affine import Linear
from rethinkpool_core.errors import GraphTooLargeError
from rethinkpool_core.graphs.coarsening import Coarsening
from rethinkpool_core.ops.convolutions import GraphConv, MoleculeConv
from rethinkpool_core.ops.molecules import ATOM_DIMS, CategoryEmbedding


@dataclass(frozen=True)
class Shape:
    """What a model needs to know of a dataset."""

    in_dim: int
    out_dim: int
    max_nodes: int
    mean_nodes: float
    molecules: bool = False  # features are OGB's categories of atoms and bonds

    @classmethod
    def of(cls, dataset) -> Shape:
        molecules = dataset.spec.features == "categorical"
        mean_nodes = dataset.store.x.shape[0] / dataset.store.num_graphs
        return cls(dataset.num_features, dataset.num_classes, dataset.max_nodes, mean_nodes, molecules)


@dataclass(frozen=True)
class Activation:
    """Node features after one layer: ragged rows with the first row of each graph, or (B, K, D).

    A layer of which the model itself needs only a mean is a function that computes it.
    """

    source: Tensor | Callable[[], Tensor]
    pointer: Tensor | None = None

    @cached_property
    def values(self) -> Tensor:
        return self.source if isinstance(self.source, Tensor) else self.source()

    def of_graph(self, number: int) -> Tensor:
        """(nodes, D) of one graph of the batch."""
        if self.pointer is None:
            return self.values[number]
        return self.values[self.pointer[number] : self.pointer[number + 1]]


class PoolingModel(nn.Module):
    """A graph network for one seed, built in the state that the seed determines (weights, random assignments).

    ``forward(batch)`` returns logits (B, out_dim) and a mapping of auxiliary losses, scalars weighted as they enter the
    training loss; with ``trace=True`` also a mapping from the names of the main layers to their `Activation`; with
    ``auxiliary=False`` the auxiliary losses are left out and cost nothing.

    With the parameters and buffers of R seeds, stacked, in the places of its own (see `Replicas`), the same model takes a batch
    of R replicas of B graphs: logits are (R B, out_dim) then, and losses (R,).
    """

    # Whether larger graphs than the model was built for are refused: their size decides how many clusters there are, and
    # random assignments have a row for each node.
    has_max_nodes = True

    def __init__(self, shape: Shape, config, seed: int):
        super().__init__()
        self.shape, self.config = shape, config
        self.register_buffer("seed", torch.tensor(seed, dtype=torch.int64))

    def forward(self, batch: Batch, trace: bool = False, auxiliary: bool = True):
        if self.has_max_nodes and batch.width > self.shape.max_nodes:
            raise GraphTooLargeError(
                f"a graph of the batch has {batch.width} nodes and the model was built for at most {self.shape.max_nodes}: "
                "build it from a dataset whose largest graph is at least as large"
            )
        layers: dict[str, Activation] = {}
        logits, losses = self.compute(batch, layers, auxiliary)
        stacked = self.seed.dim() == 1
        losses = {
            name: loss.view(len(self.seed), -1).mean(1) if stacked else loss.mean()
            for name, loss in losses.items()
        }
        return (logits, losses, layers) if trace else (logits, losses)

    def coarsening(self, seed: Tensor | None = None) -> Coarsening | None:
        """How the model's graphs become coarse before it sees them, if they do; with ``seed`` (R,), its replicas'."""
        return None

    def known(self, batch: Batch) -> dict[str, Tensor]:
        """What follows from the graphs and the seed alone, not from anything learned; empty where all is learned.

        One row a graph under names that start with the number of the pooling layer, see `Batch.known`; or, with `OF_NODES` in
        front, one row a node.
        """
        return {}

    def compute(
        self, batch: Batch, layers: dict[str, Activation], auxiliary: bool
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Logits, and auxiliary losses of each graph, (B,); fills ``layers``."""
        raise TypeError(f"{type(self).__name__} has no equations of its own: build one of its subclasses")


_DRAWING = threading.Lock()  # torch's layers draw from one generator, which all threads share


def build(kind: type[PoolingModel], shape: Shape, config, seed: int) -> PoolingModel:
    """A model drawn from ``seed`` alone, in any thread; the caller's random state is left as it was."""
    with _DRAWING, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would move the GPUs' generators too
        return kind(shape, config, seed)


class MoleculeInput(nn.Module):
    """Atoms and bonds of OGB to node features: atom embeddings, then the convolution of Appendix A.2. -> (N, dim)."""

    def __init__(self, dim: int):
        super().__init__()
        self.atoms = CategoryEmbedding(ATOM_DIMS, dim)
        self.conv = MoleculeConv(dim)

    def forward(self, batch: Batch) -> Tensor:
        return self.conv(self.atoms(batch.x), batch.A, batch.edge_attr)


class FirstConv(nn.Module):
    """The first convolution where it may run along the edges: Equation 1, or the one for molecules. -> (N, dim)."""

    def __init__(self, shape: Shape, dim: int):
        super().__init__()
        self.conv = MoleculeInput(dim) if shape.molecules else GraphConv(shape.in_dim, dim)

    def forward(self, batch: Batch, relu: bool = False) -> Tensor:
        if isinstance(self.conv, GraphConv):
            return self.conv(batch.x, batch.A.T, relu)
        return F.relu(self.conv(batch)) if relu else self.conv(batch)


def output_network(
    in_dim: int, hidden_dim: int, out_dim: int, activation: type[nn.Module] = nn.ReLU
) -> nn.Sequential:
    """The MLP with one hidden layer that ends every model."""
    return nn.Sequential(Linear(in_dim, hidden_dim), activation(), Linear(hidden_dim, out_dim))
