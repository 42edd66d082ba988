"""The test score of a record is that of the best validation epoch, and its weights are those that gave it."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import pytest
import torch
from small_graphs import dataset_of, store_of

from rethinkpool_core import build_model
from rethinkpool_core.batching.batch import BatchBuilder


@torch.no_grad()
def accuracy(model, dataset, part) -> float:
    """Computed one graph at a time."""
    builder = BatchBuilder(dataset, dtype=torch.float64)
    model.eval()
    right = 0
    for graph in part.tolist():
        batch = builder(torch.tensor([graph]))
        right += int(model(batch)[0].argmax(1) == batch.y)
    return right / len(part)


@pytest.mark.parametrize("replicas", [1, 2])
@pytest.mark.parametrize("name", ["DIFFPOOL-V2", "N-MINCUTPOOL", "COMPLEMENT", "GMN"])
def test_weights_give_the_scores_of_the_record(name, replicas, digits, run, tmp_path):
    dataset, model = digits(100), {"num_keys": [4, 1], "num_heads": 2} if name == "GMN" else {}
    options = {"model": model, "max_epochs": 8, "batch_size": 16, "learning_rate": 0.02, "replicas": replicas}
    records = run(name, dataset, [1, 2], checkpoint_dir=tmp_path, **options)
    again = run(name, dataset, [1, 2], checkpoint_dir=tmp_path, **options)  # as read from the checkpoint
    assert any(record.best_epoch < record.epochs for record in records), (
        "otherwise the last weights would pass too"
    )
    for record in records + again:
        module = build_model(name, dataset, **model).double()
        module.load_state_dict(record.weights)
        split = dataset.with_split(record.seed)
        assert accuracy(module, dataset, split.val) == pytest.approx(record.val_score, abs=1e-12)
        assert accuracy(module, dataset, split.test) == pytest.approx(record.test_score, abs=1e-12)
        scores = record.curves["val_score"]
        assert record.val_score == max(scores) and record.best_epoch == scores.index(max(scores)) + 1


def test_weights_are_not_those_of_later_epochs(digits, run):
    """Epochs after the best one change neither the test score nor the weights of the record."""
    dataset = digits(100)
    options = {"batch_size": 16, "learning_rate": 0.02}
    (long,) = run("N-MINCUTPOOL", dataset, [1], max_epochs=8, **options)
    assert long.best_epoch < 8
    (short,) = run("N-MINCUTPOOL", dataset, [1], max_epochs=long.best_epoch, **options)
    assert short.test_score == long.test_score
    assert all(torch.equal(short.weights[name], tensor) for name, tensor in long.weights.items())


@pytest.mark.parametrize(("metric", "choose"), [("mae", min), ("rocauc", max)])
def test_best_by_the_metric_of_the_dataset(metric, choose, run):
    """The smallest error or the largest area; a published split is the same for every seed."""
    graphs = [nx.gnp_random_graph(n, 0.5, seed=n) for n in range(4, 34)]
    if metric == "mae":
        y = torch.linspace(-2, 2, 30)
        dataset = dataset_of(store_of(graphs, y=y), num_classes=1)
        spec = replace(dataset.spec, task="regression", metric="mae", split="published")
        dataset = replace(dataset, spec=spec)
    else:
        dataset = dataset_of(store_of(graphs, molecules=True), like="MOLHIV")
    index = torch.arange(30)
    dataset = replace(dataset, train=index[::3], val=index[1::3], test=index[2::3])
    options = {"max_epochs": 8, "batch_size": 5, "learning_rate": 0.02, "model": {"hidden_dim": 8}}
    for record in run("NO-POOL", dataset, [1, 2], replicas=2, **options):
        scores = record.curves["val_score"]
        assert (record.metric, record.error) == (metric, None)
        assert record.val_score == choose(scores)
        assert record.best_epoch == scores.index(choose(scores)) + 1
        if metric == "mae":
            assert scores == pytest.approx(record.curves["val_loss"]), "the loss of a regression is its score"
