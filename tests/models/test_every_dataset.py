"""Every model with the settings of every dataset: a training step, with losses and gradients that are numbers.

Settings differ by dataset in more than widths: IMDB-B's graphs without labels, MOLHIV's categories, the keys of GMN.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from small_graphs import dataset_of, named_graphs, store_of

from rethinkpool_core import build_model
from rethinkpool_core.batching.batch import BatchBuilder
from rethinkpool_core.datasets.spec import DATASETS, ONES_WIDTH
from rethinkpool_core.models.names import MODELS


def like(name: str):
    """The named graphs with features of the kind that the dataset has."""
    spec, graphs = DATASETS[name], list(named_graphs().values())
    y = torch.rand(len(graphs)) if spec.task == "regression" else torch.arange(len(graphs)) % spec.num_classes
    store = store_of(graphs, spec.num_features, y=y, molecules=spec.features == "categorical")
    nodes = len(store.x)
    if spec.features == "one_hot":
        store = replace(store, x=(torch.arange(nodes) % spec.num_features).to(torch.uint8).unsqueeze(1))
    elif spec.features == "ones":
        store = replace(store, x=torch.empty(nodes, 0, dtype=torch.uint8))
    dataset = dataset_of(store, like=name, num_classes=spec.num_classes)
    return replace(dataset, num_features=ONES_WIDTH if spec.features == "ones" else spec.num_features)


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("name", MODELS)
def test_a_training_step(name, dataset):
    data = like(dataset)
    model = build_model(name, data)
    logits, losses = model.train()(BatchBuilder(data)(data.train))
    assert logits.shape == (len(data), data.num_classes)
    (logits.square().mean() + sum(losses.values())).backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert all(bool(torch.isfinite(one).all()) for one in [logits.detach(), *losses.values(), *gradients])
    assert any(bool(one.any()) for one in gradients)
