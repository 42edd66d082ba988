"""The memory of a step depends on the graphs of its batch, not on the largest graph of the dataset.

The exception is a second assignment, which has the size of the largest graph; it exists for one graph at a time.
"""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from small_graphs import dataset_of, store_of
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from rethinkpool_core import build_model
from rethinkpool_core.training.config import training_config
from rethinkpool_core.training.setup import TrainingSetup

LARGE, SIZE = 2000, 4


class Largest(TorchDispatchMode):
    """Entries of the largest tensor that any operation returned; a view counts with the tensor that it is a view of."""

    entries = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        for x in tree_leaves(out):
            if isinstance(x, torch.Tensor):
                self.entries = max(self.entries, x.untyped_storage().nbytes() // x.element_size())
        return out


@pytest.fixture(scope="module")
def dataset():
    """Many graphs of 10 to 19 nodes, and a large one, the last."""
    small = [nx.path_graph(10 + i % 10) for i in range(300)]
    return dataset_of(store_of([*small, nx.path_graph(LARGE)]))


def largest_of_step(name, dataset, graphs, **model):
    """Entries of the largest tensor of a training step and of the evaluation of the same graphs."""
    model = build_model(name, dataset, **model)
    setup = TrainingSetup(model, dataset, training_config(name, dataset.name), torch.device("cpu"))
    replicas = setup.replicas([1])
    with Largest() as largest:
        (batch,) = setup.builder.batches(torch.tensor(graphs), len(graphs))
        _, gradient = replicas.step(batch, dataset.spec.loss, model.update(1))
        replicas.groups["all"].adam.step(gradient, torch.full((1,), 0.001), 1.0)
        with torch.no_grad():
            replicas.call(batch, training=False, auxiliary=False)
    return largest.entries


@pytest.mark.parametrize("name", ["MINCUTPOOL", "DIFFPOOL", "DIFFPOOL-V2"])
def test_small_graphs_do_not_pay_for_the_large_one(name, dataset):
    small, one_layer = list(range(SIZE)), {"num_pool_layers": 1}
    without = largest_of_step(name, dataset, small, **one_layer)
    assert without < LARGE**2 / 20
    assert without < largest_of_step(name, dataset, [*small[1:], len(dataset.store.y) - 1], **one_layer) / 5


@pytest.mark.parametrize("graphs", [SIZE, 3 * SIZE])
def test_nothing_is_larger_than_one_second_assignment(dataset, graphs):
    """MINCUTPOOL's second layer assigns the 1000 clusters of each graph to 500, one graph at a time; there is no dense A'."""
    assert largest_of_step("MINCUTPOOL", dataset, list(range(graphs))) == 1000 * 500
