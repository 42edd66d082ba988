"""Seeds that train side by side have the same results as alone, whatever happens to one of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from small_graphs import dataset_of, named_graphs, store_of

from rethinkpool_core import build_model
from rethinkpool_core.models.names import MODELS
from rethinkpool_core.training import setup, train
from rethinkpool_core.training.epoch import shuffled
from rethinkpool_core.training.replicas import Replicas

SMALL_GMN = {"num_keys": [4, 1], "num_heads": 2}


def smaller(name: str) -> dict:
    return {} if "GMN" not in name else {"num_keys": [4, 1]} if name == "RANDOM-GMN" else SMALL_GMN


# See test_plain_loop: with a batch norm rounding errors become steps of Adam.
def tolerance(name: str) -> float:
    return 1e-7 if "DIFFPOOL" in name or "GMN" in name else 1e-10


# The other models are these with another distribution of the random matrix.
FAMILIES = (
    "GRACLUS",
    "COMPLEMENT",
    "NO-POOL",
    "DIFFPOOL",
    "N-DIFFPOOL",
    "N-DIFFPOOL-INV",
    "DIFFPOOL-V2",
    "MINCUTPOOL",
    "N-MINCUTPOOL",
    "GMN",
    "DISTANCE-GMN",
    "RANDOM-GMN",
)
EVERY = [name if name in FAMILIES else pytest.param(name, marks=pytest.mark.slow) for name in MODELS]


@pytest.mark.parametrize("name", EVERY)
def test_three_at_once_are_three_alone(name, digits, run, assert_same):
    dataset = digits(60)
    model = smaller(name) | ({"purity_period": 2} if name == "GMN" else {})
    options = {"model": model, "max_epochs": 2, "batch_size": 20, "learning_rate": 0.01}
    together = run(name, dataset, [1, 7, 3], replicas=3, **options)
    assert [record.seed for record in together] == [1, 7, 3]
    for record in together:
        (alone,) = run(name, dataset, [record.seed], **options)
        assert_same(record, alone, tolerance(name))
        assert record.weights.keys() == alone.weights.keys()


@pytest.mark.parametrize("name", ["N-MINCUTPOOL", "GRACLUS", "GMN"])
def test_seed_that_stops_early_does_not_change_the_others(name, digits, run, assert_same):
    dataset = digits(60 if name != "GMN" else 120)
    options = {
        "model": smaller(name),
        "max_epochs": 9,
        "stop_patience": 2,
        "batch_size": 24,
        "learning_rate": 0.02,
    }
    seeds = [1, 2, 3, 4]
    alone = [run(name, dataset, [seed], **options)[0] for seed in seeds]
    assert len({record.epochs for record in alone}) > 1, "the seeds are to stop at different epochs"
    for record, other in zip(run(name, dataset, seeds, replicas=4, **options), alone, strict=True):
        assert_same(record, other, tolerance(name))


def test_fewer_replicas_than_seeds(digits, run, assert_same):
    dataset, options = digits(60), {"max_epochs": 2, "batch_size": 20}
    pairs = run("N-MINCUTPOOL", dataset, [4, 9, 2, 6, 1], replicas=2, **options)
    for record, other in zip(
        pairs, run("N-MINCUTPOOL", dataset, [4, 9, 2, 6, 1], replicas=1, **options), strict=True
    ):
        assert_same(record, other, 1e-10)


@pytest.mark.parametrize("name", ["MINCUTPOOL", "DIFFPOOL", "DIFFPOOL-V2", "GMN", "COMPLEMENT"])
def test_nan_in_a_graph_fails_only_the_seed_that_trains_on_it(name, digits, run, assert_same):
    dataset = digits(60)
    seeds = list(range(1, 60))
    trains = {seed: 0 in dataset.with_split(seed).train for seed in seeds}
    tests = [seed for seed in seeds if 0 in dataset.with_split(seed).test]
    failing, spared = next(seed for seed in seeds if trains[seed]), tests[:2]
    assert len(spared) == 2
    x = dataset.store.x.float().clone()
    x[0] = float("nan")
    damaged = replace(dataset, store=replace(dataset.store, x=x))
    options = {"model": smaller(name), "max_epochs": 3, "batch_size": 20}
    first, failed, last = run(name, damaged, [spared[0], failing, spared[1]], replicas=3, **options)
    assert "nan in epoch 1" in failed.error and failed.val_score is None and failed.test_score is None
    assert failed.epochs == 1 and {len(curve) for curve in failed.curves.values()} == {1}
    for record in (first, last):
        assert record.error is None
        (alone,) = run(name, damaged, [record.seed], **options)
        assert_same(record, alone, tolerance(name))


@pytest.mark.parametrize("replicas", [1, 3])
def test_failure_in_a_later_epoch_keeps_the_best_until_then(replicas, digits, run, monkeypatch, assert_same):
    from rethinkpool_core.training.schedule import Schedule

    dataset, options = digits(60), {"max_epochs": 5, "batch_size": 20, "replicas": replicas}
    before = run("N-MINCUTPOOL", dataset, [1, 2, 3], **options)
    plain, calls = Schedule.update, []

    def update(self, epoch, value, config):
        found = plain(self, epoch, value, config)
        calls.append(epoch)
        if len(calls) == (5 if replicas == 3 else 7):  # the second seed's in its second epoch
            assert (epoch, value) == (2, before[1].curves["val_score"][1])
            self.learning_rate = float("inf")
        return found

    monkeypatch.setattr(Schedule, "update", update)
    first, failed, last = run("N-MINCUTPOOL", dataset, [1, 2, 3], **options)
    # Two replicas may round differently from three, since the kernel that a library chooses depends on the sizes.
    assert_same(first, before[0], 1e-12)
    assert_same(last, before[2], 1e-12)
    assert "in epoch 3" in failed.error and failed.epochs == 3
    assert failed.best_epoch in (1, 2) and failed.val_score == max(before[1].curves["val_score"][:2])
    assert all(torch.isfinite(tensor).all() for tensor in failed.weights.values())


@pytest.mark.parametrize("name", ["MINCUTPOOL", "GRACLUS", "GMN"])
def test_same_seed_same_record(name, digits, run, assert_same):
    dataset, options = digits(60), {"max_epochs": 2, "batch_size": 20, "model": smaller(name)}
    assert_same(run(name, dataset, [3], **options)[0], run(name, dataset, [3], **options)[0])


def test_different_seeds_differ_in_everything_a_seed_decides(digits):
    dataset = digits(60)
    one, two = (build_model("N-MINCUTPOOL", dataset, seed=seed).state_dict() for seed in (1, 2))
    assert all(not torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(dataset.with_split(1).train, dataset.with_split(2).train)
    index = torch.arange(50)
    assert not torch.equal(shuffled(index, 1, 1), shuffled(index, 2, 1))


def test_order_of_the_batches_is_a_permutation_new_each_epoch():
    index = torch.arange(100, 150)
    orders = [tuple(shuffled(index, seed, epoch).tolist()) for seed in (1, 2, 3) for epoch in (1, 2, 3)]
    assert all(sorted(order) == index.tolist() for order in orders)
    assert len(set(orders)) == 9
    assert torch.equal(shuffled(index, 1, 1), shuffled(index, 1, 1))


def test_global_generators_are_neither_used_nor_changed(digits, run, global_state, assert_same):
    dataset = digits(60)
    records = []
    for seed in (0, 99):
        torch.manual_seed(seed)
        before = global_state()
        options = {"max_epochs": 2, "batch_size": 20, "replicas": 2}
        records.append([run(name, dataset, [1, 2], **options) for name in ("N-DIFFPOOL", "COMPLEMENT")])
        assert global_state() == before
    for one, two in zip(*records, strict=True):
        for a, b in zip(one, two, strict=True):
            assert_same(a, b)


def test_model_that_is_given_is_not_changed(digits, run):
    dataset = digits(60)
    model = build_model("DIFFPOOL-V2", dataset, seed=4)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    train(model, dataset, [1], max_epochs=1, progress=False, device="cpu")
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert model.training


def test_model_by_name_is_the_model_that_build_model_returns(digits, assert_same):
    dataset = digits(60)
    options = {"max_epochs": 2, "batch_size": 20, "progress": False, "device": "cpu"}
    by_name = train("MINCUTPOOL", dataset, 2, hidden_dim=8, num_pool_layers=1, **options)
    model = build_model("MINCUTPOOL", dataset, hidden_dim=8, num_pool_layers=1)
    for record, expected in zip(by_name, train(model, dataset, 2, **options), strict=True):
        assert record.config["model"]["hidden_dim"] == 8
        assert_same(record, expected)


def test_replicas_start_as_build_model_draws_them(digits):
    dataset = digits(60)
    replicas = Replicas(build_model("N-DIFFPOOL", dataset, seed=9), [5, 6], torch.device("cpu"))
    for row, seed in enumerate([5, 6]):
        drawn = build_model("N-DIFFPOOL", dataset, seed=seed).state_dict()
        weights = replicas.weights(row)
        assert weights.keys() == drawn.keys()
        assert all(torch.equal(weights[name], drawn[name]) for name in drawn)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("replicas", [1, 2])
def test_graphs_of_one_node_one_at_a_time(name, replicas, run):
    """Batches of one graph, some of a single node or without edges: no error, no NaN."""
    dataset = dataset_of(store_of(list(named_graphs().values())))
    dataset = replace(dataset, spec=replace(dataset.spec, split="published"))  # every graph is in every part
    records = run(name, dataset, [1, 2], model=smaller(name), max_epochs=2, batch_size=1, replicas=replicas)
    assert [record.error for record in records] == [None, None]
    assert all(torch.isfinite(tensor).all() for record in records for tensor in record.weights.values())


@pytest.mark.parametrize(("nodes", "parts"), [(1, [1] * 5), (3200, [1, 2, 2]), (10_000, [5])])
def test_groups_have_the_size_that_a_cpu_is_best_at(nodes, parts, digits, run, monkeypatch):
    """Seeds are divided evenly, and a record says which trained side by side."""
    monkeypatch.setattr(setup, "NODES_PER_STEP", nodes)
    records = run("NO-POOL", digits(60), [1, 2, 3, 4, 5], max_epochs=1, batch_size=48)
    found = {tuple(record.provenance["side_by_side"]) for record in records}
    assert sorted(map(len, found)) == parts
    assert sorted(seed for part in found for seed in part) == [1, 2, 3, 4, 5]
    assert all(record.seed in record.provenance["side_by_side"] for record in records)
