"""GMN's unsupervised loss as a function of its keys (Appendix D, Remark 2)."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import torch
from torch import Tensor

from rethinkpool_core.batching.batch import BatchBuilder
from rethinkpool_core.datasets.dataset import GraphDataset
from rethinkpool_core.engine.assignment import LogAssignment
from rethinkpool_core.errors import UsageError
from rethinkpool_core.models.gmn import GMN
from rethinkpool_core.ops.losses import purity_loss
from rethinkpool_core.training.metrics import score


def collapsed(keys: Tensor) -> Tensor:
    """Return keys (H, K, D) that are all equal to the mean key of their head."""
    return keys.mean(1, keepdim=True).expand_as(keys)


def purity_as_printed(S: Tensor) -> Tensor:
    """Return the unsupervised loss of one graph as Appendix D writes it, from its assignment matrix S (n, K), as a scalar.

    `ops.losses.purity_loss` computes the same from the logarithm of S.
    """
    ratio = S.square() / S.sum(0)
    P = ratio / ratio.sum(1, keepdim=True)
    return (P * (P / S).log()).sum()


class KeyLoss:
    """Unsupervised loss of the first memory layer for given keys (H, K, D), per graph, in double precision.

    The queries are those of a model in evaluation mode and stay as they are. The loss has no factor `purity_weight`. The last
    memory layer, with one key, has loss 0 whatever its key is.

    model    left as it is
    index    graphs over which the loss is averaged

    Raises UsageError without graphs.
    """

    def __init__(self, model: GMN, dataset: GraphDataset, index: Tensor):
        if not len(index):
            raise UsageError("the loss of no graphs is not defined: give at least one")
        self.model, self.metric = deepcopy(model).double().eval(), dataset.spec.metric
        self.layer = self.model.memory[0].assign
        self.keys = self.layer.keys.detach().clone()
        self.batch = BatchBuilder(dataset, dtype=torch.float64)(index)
        with torch.no_grad():
            graph = self.model.input_graph(self.batch)
            self.queries = self.model.norm(self.model.second(self.model.first(graph).relu()).relu())

    @property
    def rows_of_graphs(self) -> list[tuple[int, int]]:
        """First row and row behind the last one of each graph in S."""
        return list(pairwise(self.batch.pointer[: self.batch.num_graphs + 1].tolist()))

    @torch.no_grad()
    def assignment(self, keys: Tensor) -> LogAssignment:
        """Return the assignment matrix S for given keys."""
        return torch.func.functional_call(self.layer, {"keys": keys}, (self.queries,))

    def __call__(self, keys: Tensor) -> float:
        return float(purity_loss(self.assignment(keys)).mean())

    def distance_from_uniform(self, keys: Tensor) -> float:
        """Return the largest distance of an entry of S from 1 / K."""
        S = self.assignment(keys).S
        return float((S - 1 / S.shape[-1]).abs().max())

    @torch.no_grad()
    def score(self, keys: Tensor) -> float:
        """Return the score of the whole model with these keys in its first memory layer, in the metric's own units."""
        logits, _ = torch.func.functional_call(
            self.model, {"memory.0.assign.keys": keys}, (self.batch,), {"auxiliary": False}
        )
        return score(self.metric, logits, self.batch.y)

    def along(self, start: Tensor, end: Tensor, steps: Tensor) -> Tensor:
        """Return the loss at ``start + t (end - start)`` for each t of ``steps``."""
        return torch.tensor([self(start + t * (end - start)) for t in steps.tolist()])


@dataclass(frozen=True)
class KeyPlane:
    """The plane through three sets of keys (H, K, D), in coordinates that keep distances.

    The first axis goes from ``origin`` through ``first``, the second one is perpendicular to it, with ``second`` on its positive
    side.
    """

    origin: Tensor
    first: Tensor
    second: Tensor

    @cached_property
    def axes(self) -> tuple[Tensor, Tensor]:
        """Directions of length 1 in the space of keys."""
        x = self.first - self.origin
        x = x / x.norm()
        y = self.second - self.origin
        y = y - (x * y).sum() * x
        return x, y / y.norm().clamp(min=torch.finfo(y.dtype).tiny)

    def coordinates(self, keys: Tensor) -> tuple[float, float]:
        """Return the coordinates of keys in the plane."""
        x, y = (float(((keys - self.origin) * axis).sum()) for axis in self.axes)
        return x, y

    def at(self, x: float, y: float) -> Tensor:
        """Return the keys at a point of the plane."""
        return self.origin + x * self.axes[0] + y * self.axes[1]

    def surface(self, loss: KeyLoss, xs: Tensor, ys: Tensor) -> Tensor:
        """Return the loss at every point, (len(ys), len(xs))."""
        return torch.tensor([[loss(self.at(x, y)) for x in xs.tolist()] for y in ys.tolist()])
