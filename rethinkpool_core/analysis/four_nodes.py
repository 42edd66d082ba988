r"""A graph of four nodes, pooled by the operators of every model with numbers small enough to check by hand.

The graph is a triangle with a tail, edges 1-2, 1-3, 2-3 and 3-4. Weights and keys are round numbers in the place of learned ones;
random matrices are drawn from a seed. Every result comes from the operators that the models are made of, in double precision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from rethinkpool_core.batching.batch import Batch, BatchBuilder
from rethinkpool_core.datasets.dataset import GraphDataset
from rethinkpool_core.datasets.spec import get_spec
from rethinkpool_core.datasets.storage.store import GraphStore
from rethinkpool_core.engine.graph import Graph
from rethinkpool_core.engine.pooled import PooledGraph, pool
from rethinkpool_core.graphs.coarsening import Coarsening
from rethinkpool_core.models.gmn import GMNConfig, MemoryLayer
from rethinkpool_core.ops.assignments import (
    GNNAssignment,
    InvariantAssignment,
    LearnedAssignment,
    RandomAssignment,
)
from rethinkpool_core.ops.convolutions import SAGEConv
from rethinkpool_core.ops.losses import cut_loss, entropy_loss, link_loss, orthogonality_loss, purity_loss
from rethinkpool_core.ops.matching import pool_pairs

EDGES = ((0, 1), (0, 2), (1, 2), (2, 3))
FEATURES = ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (2.0, 0.0))
WEIGHTS = ((2.0, -1.0), (-1.0, 2.0))
"""W, in the place of learned weights: two features to the logits of two clusters."""
KEYS = ((1.5, 0.0), (0.0, 1.0))
"""The two keys of GMN, in the place of learned ones."""


@dataclass(frozen=True)
class WorkedExample:
    """One pooling layer applied to the graph.

    model     whose operator it is
    given     what S is computed from besides A and X, by symbol: weights, keys or a random matrix
    between   matrices on the way to S and X', by symbol
    S         assignment matrix (4, K)
    X         pooled features (K, 2)
    A         pooled adjacency matrix (K, K), None where the model does without one
    after     matrices that the model makes of the pooled graph, by symbol
    losses    terms of the auxiliary losses, by name
    """

    model: str
    given: Mapping[str, np.ndarray]
    between: Mapping[str, np.ndarray]
    S: np.ndarray
    X: np.ndarray
    A: np.ndarray | None
    after: Mapping[str, np.ndarray]
    losses: Mapping[str, float]


def four_node_batch() -> Batch:
    """Return the graph as a batch of one, features in double precision."""
    pairs = sorted({(u, v) for a, b in EDGES for u, v in ((a, b), (b, a))})
    store = GraphStore(
        x=torch.tensor(FEATURES, dtype=torch.float64),
        edge_index=torch.tensor(pairs, dtype=torch.int16).T,
        edge_attr=None,
        y=torch.tensor([0]),
        node_offsets=torch.tensor([0, 4]),
        edge_offsets=torch.tensor([0, len(pairs)]),
    )
    index = torch.tensor([0])
    dataset = GraphDataset("four nodes", get_spec("DIGITS"), store, index, index, index, 0, 2, 2, "")
    return BatchBuilder(dataset, dtype=torch.float64)(index)


def worked_examples(seed: int = 5) -> dict[str, WorkedExample]:
    """Return the graph pooled by each operator, by name of the model.

    seed  of matchings, random matrices and random keys
    """
    made = {
        "GRACLUS": lambda: _matched("GRACLUS", "graph", seed),
        "COMPLEMENT": lambda: _matched("COMPLEMENT", "complement", seed),
        "MINCUTPOOL": _mincut,
        "N-MINCUTPOOL": lambda: _random_mincut(seed),
        "DIFFPOOL": _diffpool,
        "U-DIFFPOOL": lambda: _random_diffpool("U-DIFFPOOL", "uniform", seed),
        "N-DIFFPOOL": lambda: _random_diffpool("N-DIFFPOOL", "normal", seed),
        "B-DIFFPOOL": lambda: _random_diffpool("B-DIFFPOOL", "bernoulli", seed),
        "N-DIFFPOOL-INV": lambda: _invariant_diffpool("N-DIFFPOOL-INV", "normal", seed),
        "GMN": lambda: _memory("GMN", "student", seed),
        "DISTANCE-GMN": lambda: _memory("DISTANCE-GMN", "distance", seed),
        "RANDOM-GMN": lambda: _memory("RANDOM-GMN", "random", seed),
    }
    with torch.no_grad():
        return {name: make() for name, make in made.items()}


def _input_graph(batch: Batch) -> Graph:
    return Graph.from_batch(batch, mean_nodes=4.0)


def _drawn(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Return a module drawn from the seed, rounded to two decimals so that the numbers shown are the numbers used."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        module = make().double()
    for tensor in (*module.parameters(), *module.buffers()):
        tensor.copy_(tensor.mul(100).round().div(100))
    return module


def _set(linear: nn.Linear, weights) -> None:
    """Set the map of rows x to x W, without a bias."""
    linear.weight.copy_(torch.tensor(weights, dtype=torch.float64).T)
    if linear.bias is not None:
        linear.bias.zero_()


def _matched(model: str, kind: str, seed: int) -> WorkedExample:
    coarsening = Coarsening(kind, range(2, 3), torch.tensor(seed))
    graph, S = pool_pairs(_input_graph(four_node_batch().coarsened(coarsening)))
    rows = graph.A @ torch.eye(S.num_clusters, dtype=torch.float64)
    return WorkedExample(model, {}, {}, _array(S.S), _array(graph.x), _array(rows), {}, {})


def _mincut() -> WorkedExample:
    assign = LearnedAssignment(2, 2).double()
    _set(assign, WEIGHTS)
    graph = _input_graph(four_node_batch())
    pooled = pool(graph, assign(graph))
    losses = {"cut": cut_loss(pooled), "orthogonality": orthogonality_loss(pooled)}
    return _of_pooled("MINCUTPOOL", {"W": _array(assign.weight.T)}, {}, pooled, losses, normalise=True)


def _random_mincut(seed: int) -> WorkedExample:
    assign = _drawn(lambda: RandomAssignment("normal", 4, 2), seed)
    graph = _input_graph(four_node_batch())
    given = {r"\tilde S": _array(assign.random)}
    return _of_pooled("N-MINCUTPOOL", given, {}, pool(graph, assign(graph)), {}, normalise=True)


def _embedding(graph: Graph) -> Graph:
    """Return GNN_2(A, X) with the identity for its weights: the mean over a node and its neighbours, as a row of length 1."""
    conv = SAGEConv(2, 2, sage="2020", normalize=True).double()
    _set(conv.lin_rel, torch.eye(2).tolist())
    return conv(graph)


def _diffpool() -> WorkedExample:
    conv = SAGEConv(2, 2, sage="2020", normalize=True).double()
    _set(conv.lin_rel, WEIGHTS)
    graph = _input_graph(four_node_batch())
    S, Z = GNNAssignment(conv)(graph), _embedding(graph)
    pooled = pool(Z, S)
    between = {r"L = \mathrm{GNN}_1(A, X)": _array(conv(graph).x), r"Z = \mathrm{GNN}_2(A, X)": _array(Z.x)}
    losses = {"link": link_loss(pooled), "entropy": entropy_loss(S)}
    return _of_pooled("DIFFPOOL", {"W_1": _array(conv.lin_rel.weight.T)}, between, pooled, losses)


def _random_diffpool(model: str, distribution: str, seed: int) -> WorkedExample:
    assign = _drawn(lambda: RandomAssignment(distribution, 4, 2), seed)
    graph = _input_graph(four_node_batch())
    pooled = pool(_embedding(graph), assign(graph))
    return _of_pooled(model, {r"\tilde S": _array(assign.random)}, {}, pooled, {})


def _invariant_diffpool(model: str, distribution: str, seed: int) -> WorkedExample:
    assign = _drawn(lambda: InvariantAssignment(distribution, 2, 2), seed)
    graph = _input_graph(four_node_batch())
    pooled = pool(_embedding(graph), assign(graph))
    between = {r"X \tilde S": _array(graph.x @ assign.random)}
    return _of_pooled(model, {r"\tilde S": _array(assign.random)}, between, pooled, {})


def _memory(model: str, kernel: str, seed: int) -> WorkedExample:
    scale = 10.0 if kernel == "distance" else 1.0
    config = GMNConfig((2,), 1, 2, kernel, train_keys=False, key_scale=scale)
    layer = _drawn(lambda: MemoryLayer(2, 4, 2, config), seed)
    _set(layer.linear, torch.eye(2).tolist())
    graph = _input_graph(four_node_batch())
    given, between, losses = {}, {}, {}
    if kernel == "random":
        given[r"\tilde S"] = _array(layer.assign.random)
    else:
        if kernel == "student":
            layer.assign.keys.copy_(torch.tensor(KEYS, dtype=torch.float64).unsqueeze(0))
        given["k"] = _array(layer.assign.keys[0])
        between["C"] = _array(layer.assign.closeness(graph.x)[0, :, 0])
    pooled, S = layer(graph)
    if kernel == "student":
        losses["purity"] = float(purity_loss(S))
    return WorkedExample(model, given, between, _array(S.S), _array(pooled.x[0]), None, {}, losses)


def _of_pooled(
    model: str,
    given: Mapping[str, np.ndarray],
    between: Mapping[str, np.ndarray],
    pooled: PooledGraph,
    losses: Mapping[str, Tensor],
    normalise: bool = False,
) -> WorkedExample:
    A = pooled.A.to_matrix()[0]
    after = {r"\hat A'": _array(pooled.normalised().A.to_matrix()[0])} if normalise else {}
    terms = {name: float(term) for name, term in losses.items()}
    return WorkedExample(
        model, given, between, _array(pooled.S.S), _array(pooled.x[0]), _array(A), after, terms
    )


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().numpy().copy()
