"""The class of all models, and the layers that they share: the first convolution and the output network."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from rethinkpool_core.batching.batch import Batch, BatchBuilder
from rethinkpool_core.datasets.dataset import GraphDataset
from rethinkpool_core.datasets.splits import graph_numbers
from rethinkpool_core.engine.affine import Linear
from rethinkpool_core.engine.assignment import Assignment
from rethinkpool_core.engine.graph import Graph
from rethinkpool_core.errors import DataError, GraphTooLargeError, UsageError
from rethinkpool_core.graphs.coarsening import Coarsening
from rethinkpool_core.models.trace import RecordedTrace, Trace, no_trace
from rethinkpool_core.models.update import Update
from rethinkpool_core.ops.convolutions import GraphConv, MoleculeConv
from rethinkpool_core.ops.molecules import ATOM_DIMS, CategoryEmbedding

if TYPE_CHECKING:
    from torch_geometric.data import Data

Losses = Mapping[str, Iterable[Tensor]]
"""Auxiliary losses by name: one term (B,) per pooling layer, computed only if the losses are wanted."""


@dataclass(frozen=True)
class Shape:
    """What a model needs to know about a dataset.

    in_dim     width of the node features, or number of integer columns for molecules
    out_dim    number of outputs
    max_nodes  nodes of the largest graph
    molecules  whether features are OGB's categories of atoms and bonds
    """

    in_dim: int
    out_dim: int
    max_nodes: int
    mean_nodes: float
    molecules: bool = False

    @classmethod
    def of(cls, dataset: GraphDataset) -> Shape:
        """Return the shape of a dataset. Raises UsageError for something else."""
        if not isinstance(dataset, GraphDataset):
            raise UsageError(
                f"dataset is of type {type(dataset).__name__}: give what load_dataset or GraphDataset.from_pyg returned"
            )
        molecules = dataset.spec.features == "categorical"
        mean_nodes = dataset.store.x.shape[0] / dataset.store.num_graphs
        return cls(dataset.num_features, dataset.num_classes, dataset.max_nodes, mean_nodes, molecules)

    @property
    def features(self) -> str:
        """The node features in words."""
        return "OGB's categories of atoms and bonds" if self.molecules else f"{self.in_dim} columns"


class PoolingModel(nn.Module):
    """A graph network for one seed, built in the state that the seed determines (weights, random assignments).

    A subclass says in `compute` what its network computes; the engine decides how, and for how many seeds at once.

    shape   of the dataset
    config  a frozen dataclass
    """

    has_max_nodes = True
    """Whether larger graphs than the model was built for are refused: their size decides how many clusters there are, and random
    assignments have a row for each position in a graph."""

    def __init__(self, shape: Shape, config, seed: int):
        super().__init__()
        self.shape, self.config = shape, config
        self.register_buffer("seed", torch.tensor(seed, dtype=torch.int64))

    def compute(self, graph: Graph, trace: Trace) -> tuple[Tensor, Losses]:
        """Return logits (B, out_dim) and the terms of the auxiliary losses, from the input graphs.

        trace  is shown the main layers by name
        """
        raise TypeError(f"{type(self).__name__} has no equations of its own: build one of its subclasses")

    def coarsening(self, seed: Tensor | None = None) -> Coarsening | None:
        """Return how graphs are coarsened by matchings before the model sees them, or None.

        seed  (R,) of the replicas, if there are several
        """
        return None

    def parameter_group(self, name: str) -> str:
        """Return the group of the parameter ``name``. Every group has an optimiser of its own; by default there is one, "all"."""
        return "all"

    def update(self, epoch: int) -> Update:
        """Return what training minimises and moves in ``epoch`` (from 1): by default all losses and parameters, per batch."""
        return Update()

    def measure(self, S: Assignment) -> dict[str, Tensor]:
        """Return quantities (B,) of an assignment by name, which training records on the validation graphs after every epoch.

        By default there are none.
        """
        return {}

    def forward(self, batch: Batch | Data, trace: bool | Trace = False, auxiliary: bool = True):
        """Return logits (B, out_dim) and the auxiliary losses by name, scalars weighted as they enter the training loss unless
        `TrainingConfig.auxiliary_weight` says otherwise.

        trace      True: also return the main layers by name, as `Activation`; a `Trace`: show it the main layers
        auxiliary  whether the auxiliary losses are computed; else there are none

        A `Batch` of PyG is converted in every call, which is slower; ``batch.graph_id``, as `GraphDataset.to_pyg` sets it, keys
        the matchings that are drawn for its graphs.

        With the parameters and buffers of R seeds stacked in the places of its own (see `Replicas`), the same model takes a batch
        of R replicas of B graphs; logits are (R B, out_dim) then, and losses (R,).

        Raises GraphTooLargeError, and for a batch of PyG that does not fit the model DataError or UsageError.
        """
        if not isinstance(batch, Batch):
            from rethinkpool_core.models.pyg import forward_pyg

            return forward_pyg(self, batch, trace, auxiliary)
        if self.has_max_nodes and batch.max_nodes > self.shape.max_nodes:
            raise GraphTooLargeError(
                f"a graph of the batch has {batch.max_nodes} nodes and the model was built for at most {self.shape.max_nodes}: "
                "build it from a dataset whose largest graph is at least as large"
            )
        layers = RecordedTrace() if trace is True else trace or no_trace
        logits, terms = self.compute(self.input_graph(batch, auxiliary=auxiliary), layers)
        by_graph = {name: list(of_layers) for name, of_layers in terms.items()} if auxiliary else {}
        losses = {name: self._mean(sum(of_layers)) for name, of_layers in by_graph.items() if of_layers}
        return (logits, losses, layers.layers) if trace is True else (logits, losses)

    @torch.no_grad()
    def predict(
        self, dataset: GraphDataset, index: Sequence[int] | Tensor | None = None, batch_size: int = 256
    ) -> Tensor:
        """Return the logits of graphs of a `GraphDataset`, (len(index), out_dim), in evaluation mode.

        index  numbers of the graphs; by default all

        Raises UsageError for another dataset or index, DataError for other node features than the model was built for,
        GraphTooLargeError. The model is left in the mode in which it was.
        """
        found, graphs = Shape.of(dataset), dataset.store.num_graphs
        if found.features != self.shape.features:
            raise DataError(
                f"{dataset.name} has node features of {found.features} and the model was built for {self.shape.features}: "
                "give a dataset with those of its own"
            )
        index = torch.arange(graphs) if index is None else graph_numbers(index, graphs, "index")
        order = dataset.store.num_nodes[index].argsort(stable=True)  # that of the graphs of a batch
        weight, training = next(self.parameters()), self.training
        if not len(index):
            return weight.new_empty(0, self.shape.out_dim)
        builder = BatchBuilder(dataset, weight.device, weight.dtype)
        self.eval()
        try:
            logits = [self(builder(part), auxiliary=False)[0] for part in index[order].split(batch_size)]
        finally:
            self.train(training)
        return torch.cat(logits)[order.argsort()]

    def fixed_terms(self, batch: Batch) -> dict[str, Tensor]:
        """Return the terms of the batch that follow from fixed assignments, see `engine.precomputed`; none if all is learned.

        None either if graphs are coarsened by matchings, which are drawn anew in every epoch.
        """
        terms: dict[str, Tensor] = {}
        if self.coarsening() is not None:
            return terms
        self.compute(self.input_graph(batch, auxiliary=False, record=terms), no_trace)
        return terms

    def input_graph(self, batch: Batch, **options) -> Graph:
        """Return the graphs of a batch as `compute` takes them; ``options`` are those of `Graph.from_batch`."""
        coarsening = self.coarsening()
        if coarsening is not None:
            batch = batch.coarsened(coarsening)
        return Graph.from_batch(batch, self.shape.mean_nodes, **options)

    def _mean(self, loss: Tensor) -> Tensor:
        """Return the mean over graphs, of each replica if there are several."""
        return loss.view(len(self.seed), -1).mean(1) if self.seed.dim() == 1 else loss.mean()


_DRAWING = threading.Lock()  # torch's layers draw from one generator, which all threads share


def build(kind: type[PoolingModel], shape: Shape, config, seed: int) -> PoolingModel:
    """Return a model drawn from ``seed`` alone, in any thread; the caller's random state is left as it was."""
    with _DRAWING, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would move the GPUs' generators too
        return kind(shape, config, seed)


class MoleculeInput(nn.Module):
    """Atoms and bonds of OGB to node features (N, dim): atom embeddings, then the convolution of Appendix A.2."""

    def __init__(self, dim: int):
        super().__init__()
        self.atoms = CategoryEmbedding(ATOM_DIMS, dim)
        self.conv = MoleculeConv(dim)

    def forward(self, graph: Graph) -> Graph:
        return self.conv(graph.with_x(self.atoms(graph.x)))


def first_conv(shape: Shape, dim: int) -> nn.Module:
    """Return the first convolution of a model, to features (N, dim): Equation 1, or the one for molecules."""
    return MoleculeInput(dim) if shape.molecules else GraphConv(shape.in_dim, dim)


def output_network(
    in_dim: int, hidden_dim: int, out_dim: int, activation: type[nn.Module] = nn.ReLU
) -> nn.Sequential:
    """Return the MLP with one hidden layer that ends every model."""
    return nn.Sequential(Linear(in_dim, hidden_dim), activation(), Linear(hidden_dim, out_dim))
