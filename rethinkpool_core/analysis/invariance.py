"""Numerical check of Appendix C: what a model says of graphs whose nodes are listed in another order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from rethinkpool_core.analysis.permutations import random_orders, reordered
from rethinkpool_core.batching.batch import BatchBuilder
from rethinkpool_core.datasets.dataset import GraphDataset
from rethinkpool_core.errors import UsageError
from rethinkpool_core.models.base import PoolingModel
from rethinkpool_core.models.build import build_model

TOLERANCE = 1e-10
"""Relative change of logits in double precision that is put down to rounding."""


@dataclass(frozen=True)
class InvarianceCheck:
    """Logits of a model for G graphs, and for P permutations of the nodes of each, in double precision.

    logits     (G, out_dim) with the nodes in the order of the dataset
    permuted   (P, G, out_dim)
    layers     largest change of each layer by the first permutation, see `layer_changes`
    """

    model: str
    logits: Tensor
    permuted: Tensor
    layers: dict[str, float]

    @property
    def spread(self) -> float:
        """Standard deviation of a logit over graphs, averaged over the outputs: what a change is compared with.

        Raises UsageError for a single graph.
        """
        if len(self.logits) < 2:
            raise UsageError(
                "a change of logits is compared with their spread over graphs: give at least two"
            )
        return float(self.logits.std(0).mean())

    @property
    def changes(self) -> Tensor:
        """Largest change of a logit per graph over the permutations, (G,), in units of `spread`."""
        return (self.permuted - self.logits).abs().amax((0, 2)) / self.spread

    @property
    def is_invariant(self) -> bool:
        """Whether no logit changed by more than rounding."""
        return float(self.changes.max()) < TOLERANCE

    @property
    def changed_predictions(self) -> float:
        """Share of graphs and permutations with another largest logit; 0 for a single output."""
        return float((self.permuted.argmax(-1) != self.logits.argmax(-1)).double().mean())


def check_invariance(
    name: str,
    dataset: GraphDataset,
    index: Tensor,
    *,
    permutations: int = 5,
    seed: int = 1,
    **overrides: Any,
) -> InvarianceCheck:
    """Compare the logits of the untrained model ``name`` before and after the nodes of the graphs ``index`` are permuted.

    The model is in double precision and in evaluation mode; its batch norms have seen these graphs once. Both theorems hold for
    any weights, and so for these.

    seed       of the weights and random assignments, and of the first permutation
    overrides  parameters of the model

    Raises as `build_model`, and UsageError without graphs or permutations.
    """
    if not len(index) or permutations < 1:
        raise UsageError(
            f"{len(index)} graphs and {permutations} permutations show nothing: give at least one of both"
        )
    same = reordered(dataset, index)
    model = build_model(name, dataset, seed=seed, **overrides).double()
    with torch.no_grad():
        model(BatchBuilder(same, dtype=torch.float64)(same.test))
        model.eval()
        logits, layers = _logits_and_layers(model, same)
        permuted, changes = [], {}
        for number in range(permutations):
            orders = random_orders(dataset, index, seed + number)
            other, other_layers = _logits_and_layers(model, reordered(dataset, index, orders))
            permuted.append(other)
            changes = changes or layer_changes(layers, other_layers, orders)
    return InvarianceCheck(name, logits, torch.stack(permuted), changes)


def _logits_and_layers(model: PoolingModel, dataset: GraphDataset) -> tuple[Tensor, dict[str, list[Tensor]]]:
    """Return the logits (G, out_dim) and the rows of each graph per layer, for all graphs in the order of the dataset."""
    batch = BatchBuilder(dataset, dtype=torch.float64)(dataset.test)  # sorted by size
    logits, _, layers = model(batch, trace=True)
    places = batch.graph_id.argsort().tolist()
    return logits[places], {
        name: [layer.of_graph(place) for place in places] for name, layer in layers.items()
    }


def layer_changes(
    before: dict[str, list[Tensor]], after: dict[str, list[Tensor]], orders: Sequence[Tensor]
) -> dict[str, float]:
    """Return the largest change of an entry in each layer when the nodes of each graph are listed in other ``orders``.

    A layer with a row per node is compared with its own rows in the new order, f(P A P^T, P X) with P f(A, X): equal if it is
    equivariant (Definition 2). A layer with a row per cluster is compared row by row, f(P A P^T, P X) with f(A, X): equal if it
    is invariant (Definition 3). The layers behind a matching, whose clusters have no fixed order, are left out.

    before, after    rows of each graph per layer, in the order of the layers
    """
    changes, pooled = {}, False
    for name, graphs in before.items():
        if name.startswith(("pool", "memory")):
            pooled = True
        expected = graphs if pooled else [rows[order] for rows, order in zip(graphs, orders, strict=True)]
        if any(rows.shape != other.shape for rows, other in zip(expected, after[name], strict=True)):
            break
        differences = [(rows - other).abs() for rows, other in zip(expected, after[name], strict=True)]
        changes[name] = max(float(one.max()) for one in differences if one.numel())
    return changes


@dataclass(frozen=True)
class Prediction:
    """What Appendix C says about a model.

    invariant    whether it is invariant
    reason       a theorem, a remark, or what the assignment depends on
    parameters   of the model that the statement is about
    """

    invariant: bool
    reason: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


_LEMMA = "S from features"
_POSITION = "S by position"
PREDICTIONS: Mapping[str, Prediction] = {
    "NO-POOL": Prediction(True, "nothing is pooled"),
    "DIFFPOOL": Prediction(True, _LEMMA),
    "DIFFPOOL-V2": Prediction(True, _LEMMA),
    "MINCUTPOOL": Prediction(True, _LEMMA),
    "GMN": Prediction(True, _LEMMA),
    "U-DIFFPOOL-INV": Prediction(True, "Theorem 1"),
    "N-DIFFPOOL-INV": Prediction(True, "Theorem 1"),
    "B-DIFFPOOL-INV": Prediction(True, "Theorem 1"),
    "DISTANCE-GMN": Prediction(True, "Theorem 2", {"activation": "relu"}),
    "GRACLUS": Prediction(False, "Remark 3"),
    "COMPLEMENT": Prediction(False, "Remark 3"),
    "U-DIFFPOOL": Prediction(False, _POSITION),
    "N-DIFFPOOL": Prediction(False, _POSITION),
    "B-DIFFPOOL": Prediction(False, _POSITION),
    "N-DIFFPOOL-V2": Prediction(False, _POSITION),
    "N-MINCUTPOOL": Prediction(False, _POSITION),
    "RANDOM-GMN": Prediction(False, _POSITION),
}
"""The statement of Appendix C that applies to each built-in model."""
