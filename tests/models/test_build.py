"""Names, defaults, overrides, seeds."""

import csv
from math import ceil
from pathlib import Path

import pytest
import torch
from small_graphs import dataset_of, named_graphs, store_of

from rethinkpool_core.errors import GraphTooLargeError, UnknownNameError, UsageError
from rethinkpool_core.models import build_model, config_fields
from rethinkpool_core.models.build import replica
from rethinkpool_core.models.names import MODELS

TABLES = Path(__file__).resolve().parents[3] / "shared" / "paper" / "tables"


def printed(file):
    if not TABLES.is_dir():
        pytest.skip("the paper's tables are not beside the project (../shared/paper)")
    with (TABLES / file).open() as lines:
        return list(csv.DictReader(lines))


def like(name):
    """A small dataset under the name of one of the paper's."""
    molecules = name == "MOLHIV"
    return dataset_of(store_of(list(named_graphs().values()), molecules=molecules), like=name)


def test_graclus_has_the_layers_of_table_s2():
    for row in printed("table_s2_graclus.csv"):
        config = build_model("GRACLUS", like(row["dataset"])).config
        assert (config.num_layers, config.hidden_dim) == (int(row["num_layers"]), int(row["hidden_dim"]))


def test_diffpool_has_the_layers_of_table_s3():
    for row in printed("table_s3_diffpool.csv"):
        model = build_model("DIFFPOOL", like(row["dataset"]))
        assert len(model.assign) == int(row["num_pool_layers"])
        assert model.output[0].weight.shape == (int(row["mlp_hidden_dim"]), int(row["gnn_hidden_dim"]))


def test_gmn_has_the_layers_of_table_s4():
    for row in printed("table_s4_gmn.csv"):
        model = build_model("GMN", like(row["dataset"]))
        assert [layer.assign.num_keys for layer in model.memory] == [int(n) for n in row["num_keys"].split()]
        assert {layer.assign.num_heads for layer in model.memory} == {int(row["num_heads"])}
        assert model.output[0].in_features == int(row["hidden_dim"])


def test_numbers_of_clusters(small):
    n = small.dataset.max_nodes  # 14
    assert [layer.out_features for layer in build_model("MINCUTPOOL", small.dataset).assign] == [7, 4]
    one = build_model("N-DIFFPOOL", small.dataset)
    assert one.assign[0].random.shape == (n, ceil(0.1 * n))
    two = build_model("N-DIFFPOOL", small.dataset, num_pool_layers=2)
    assert [layer.random.shape for layer in two.assign] == [(n, 4), (4, 1)]


@pytest.mark.parametrize("name", MODELS)
def test_a_seed_determines_weights_and_random_assignments(name, small):
    before = torch.random.get_rng_state()
    one, same, other = (build_model(name, small.dataset, seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.testing.assert_close(one, same, atol=0, rtol=0)
    assert any(not torch.equal(one[key], other[key]) for key in one)
    again = replica(build_model(name, small.dataset, seed=2), 1).state_dict()
    torch.testing.assert_close(one, again, atol=0, rtol=0)


@pytest.mark.parametrize(
    "name", ["N-MINCUTPOOL", "U-DIFFPOOL", "N-DIFFPOOL-V2", "RANDOM-GMN", "B-DIFFPOOL-INV"]
)
def test_random_assignments_are_saved_with_the_model(name, small):
    """The release drew them again on loading (departure 8): here another model's state brings its own."""
    model, other = (build_model(name, small.dataset, seed=seed).double().eval() for seed in (1, 2))
    other.load_state_dict(model.state_dict())
    batch = small.batch()
    torch.testing.assert_close(other(batch)[0], model(batch)[0], atol=0, rtol=0)


@pytest.mark.parametrize(
    ("distribution", "check"),
    [
        ("uniform", lambda S: S.min() >= 0 and S.max() < 1 and 0.4 < S.mean() < 0.6),
        ("normal", lambda S: S.min() < -1 and 0.8 < S.std() < 1.2),
        ("bernoulli", lambda S: set(S.unique().tolist()) == {0.0, 1.0} and 0.2 < S.mean() < 0.4),
        ("categorical", lambda S: torch.equal(S.sum(1), torch.ones(len(S))) and S.max() == 1),
    ],
)
def test_random_assignment_is_a_parameter(distribution, check):
    """Departure 1: the release's N-MINCUTPOOL is random_assignment=uniform."""
    dataset = dataset_of(store_of([named_graphs()["petersen"]] * 2))
    model = build_model("N-DIFFPOOL", dataset, random_assignment=distribution, cluster_ratio=1.0)
    stacked = torch.cat([replica(model, seed).assign[0].random for seed in range(20)])
    assert check(stacked)


@pytest.mark.parametrize(
    ("name", "overrides"),
    [
        ("DIFFPOOL", {"sage": "pyg2"}),
        ("DIFFPOOL", {"sum_input": True}),  # as on IMDB-B
        ("DIFFPOOL-V2", {"sum_input": True}),
        ("DIFFPOOL", {"sage": 2020}),
        ("DIFFPOOL-V2", {"norm_padding": True}),
        ("GMN", {"train_keys": False}),
        ("GMN", {"num_keys": [6, 3, 1], "norm_padding": True, "purity_period": 2}),
        ("DISTANCE-GMN", {"activation": "relu", "num_heads": 1}),
        ("MINCUTPOOL", {"num_pool_layers": 1, "cluster_ratio": 0.3}),
        ("GRACLUS", {"num_layers": 1}),
    ],
)
def test_overrides_make_models_that_run(name, overrides, small):
    model = build_model(name, small.dataset, **overrides).double()
    logits, _ = model(small.batch())
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize(
    ("name", "overrides", "error", "says"),
    [
        ("MINCUTPOOOL", {}, UnknownNameError, "did you mean 'MINCUTPOOL'"),
        ("GRACLUS", {"hiden_dim": 3}, UnknownNameError, "did you mean 'hidden_dim'"),
        (
            "MINCUTPOOL",
            {"random_assignment": "normal"},
            UnknownNameError,
            "no parameter 'random_assignment' of MINCUTPOOL",
        ),
        ("GRACLUS", {"matching": "none"}, UnknownNameError, "no parameter 'matching'"),
        (
            "N-MINCUTPOOL",
            {"random_assignment": "gaussian"},
            UnknownNameError,
            "uniform, normal, bernoulli, categorical",
        ),
        ("DIFFPOOL", {"sage": "2021"}, UnknownNameError, "did you mean '2020'"),
        ("GRACLUS", {"hidden_dim": "64"}, UsageError, "takes a whole number"),
        ("GRACLUS", {"hidden_dim": 1.5}, UsageError, "takes a whole number"),
        ("GRACLUS", {"hidden_dim": True}, UsageError, "takes a whole number"),
        ("GRACLUS", {"hidden_dim": 0}, UsageError, "at least 1"),
        ("GRACLUS", {"num_layers": -2}, UsageError, "at least 1"),
        ("MINCUTPOOL", {"cluster_ratio": 1.5}, UsageError, "at most 1"),
        ("MINCUTPOOL", {"cluster_ratio": 0}, UsageError, "above 0 and at most 1"),
        ("GMN", {"tau": float("nan")}, UsageError, "above 0"),
        ("GMN", {"tau": -1}, UsageError, "above 0"),
        ("GMN", {"key_scale": float("inf")}, UsageError, "finite"),
        ("RANDOM-GMN", {"tau": 2.0}, UnknownNameError, "no parameter 'tau'"),
        ("DIFFPOOL", {"norm_padding": True}, UnknownNameError, "no parameter 'norm_padding'"),
        ("GMN", {"purity_weight": -1.0}, UsageError, "at least 0"),
        ("GMN", {"purity_period": -1}, UsageError, "at least 0"),
        ("GMN", {"train_keys": 1}, UsageError, "true or false"),
        ("GMN", {"num_keys": []}, UsageError, "at least one value"),
        ("GMN", {"num_keys": [4, 0]}, UsageError, "an entry of .* cannot be 0"),
        ("GMN", {"num_keys": "10 1"}, UsageError, "an entry of .* takes a whole number"),
    ],
)
def test_wrong_parameters_are_refused_in_one_sentence(name, overrides, error, says, small):
    with pytest.raises(error, match=says) as caught:
        build_model(name, small.dataset, **overrides)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", MODELS)
def test_a_graph_with_more_nodes_than_the_model_was_built_for(name, small):
    model = build_model(name, dataset_of(store_of([named_graphs()["path"]] * 2))).double()
    if not model.has_max_nodes:
        model(small.batch())
        return
    with pytest.raises(GraphTooLargeError, match="14 nodes and the model was built for at most 5"):
        model(small.batch())


def test_every_parameter_a_user_may_set_is_listed():
    assert "random_assignment" in config_fields("N-MINCUTPOOL")
    assert "random_assignment" not in config_fields("MINCUTPOOL")
    assert "purity_period" in config_fields("GMN")
    assert "purity_period" not in config_fields("RANDOM-GMN")


@pytest.mark.parametrize(
    ("initial", "layers"),
    [
        (1, ["conv 1", "pool 1", "conv 2", "pool 2"]),
        (2, ["conv 1", "conv 2", "pool 2", "conv 3", "pool 3"]),
        (4, ["conv 1", "conv 2", "conv 3", "conv 4", "pool 4", "conv 5", "pool 5"]),
    ],
)
def test_initial_convolutions_of_graclus_come_before_the_first_pooling(initial, layers, small):
    model = build_model("GRACLUS", small.dataset, num_layers=3, initial_convolutions=initial).double()
    shown = model(small.batch(), trace=True)[2]
    assert [name for name in shown if not name.startswith("assignment")] == layers


def test_two_initial_convolutions_are_what_the_paper_has(small):
    models = [build_model("GRACLUS", small.dataset, seed=1, **o) for o in ({}, {"initial_convolutions": 2})]
    logits = [model.double()(small.batch())[0] for model in models]
    assert torch.equal(*logits) and "initial_convolutions" not in config_fields("NO-POOL")
