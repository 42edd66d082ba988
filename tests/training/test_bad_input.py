"""Wrong arguments of `train` are refused in one sentence, before any training."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_graphs import dataset_of, named_graphs, store_of

from rethinkpool_core import build_model
from rethinkpool_core.errors import (
    DataError,
    DeviceError,
    GraphTooLargeError,
    UnknownNameError,
    UsageError,
)
from rethinkpool_core.training import (
    check_seeds,
    resolve_device,
    train,
    training_config,
    training_fields,
)
from rethinkpool_core.training.run import TrainingRun


@pytest.fixture
def refused(digits, monkeypatch, sentence):
    """``refused(kind, ...)``: `train` with these arguments raises this error and trains nothing."""
    dataset = digits(60)
    model = build_model("GMN", dataset, num_keys=[4, 1], num_heads=2)
    monkeypatch.setattr(TrainingRun, "train", lambda *args: pytest.fail("trained"))

    def check(kind, *, model=model, dataset=dataset, seeds=(1,), words=(), **options):
        with pytest.raises(kind) as error:
            train(model, dataset, seeds, progress=False, **({"device": "cpu"} | options))
        sentence(error, *words)

    return check


@pytest.mark.parametrize(
    "seeds",
    [
        0,
        -1,
        True,
        False,
        2**40,
        [],
        (),
        [0],
        [1, -2],
        [1, True],
        [1, 2**40],
        [1.0],
        ["1"],
        "12",
        3.0,
        None,
        [None],
        [[1]],
    ],
    ids=repr,
)
def test_wrong_seeds(seeds, refused):
    refused(UsageError, seeds=seeds, words=("seeds",))


def test_repeated_seed_is_named(refused):
    refused(UsageError, seeds=[3, 5, 3, 5, 5], words=("seed 3", "more than once"))


def test_a_repeated_seed_among_many_is_found_at_once():
    start = time.perf_counter()
    with pytest.raises(UsageError, match="seed 7 is given more than once"):
        check_seeds([*range(1, 20_001), 7])
    assert time.perf_counter() - start < 2, "each seed was counted among all others, for minutes"


def test_right_seeds():
    assert check_seeds(3) == [1, 2, 3]
    assert check_seeds(range(4, 7)) == [4, 5, 6]
    assert check_seeds([2**31 - 1, 1]) == [2**31 - 1, 1]
    of_numpy = check_seeds(np.arange(4, 7)) + check_seeds(np.int64(2))
    assert of_numpy == [4, 5, 6, 1, 2] and {type(seed) for seed in of_numpy} == {int}


@pytest.mark.parametrize("max_epochs", [0, -3, True, 2.0, "5", None])
def test_wrong_max_epochs(max_epochs, refused):
    refused(UsageError, max_epochs=max_epochs, words=("max_epochs",))


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("batchsize", "batch_size"),
        ("learning_rat", "learning_rate"),
        ("clipnorm", "clip_norm"),
        ("replica", "replicas"),
    ],
)
def test_unknown_parameter_with_the_nearest(wrong, near, refused):
    refused(UnknownNameError, words=(wrong, f"did you mean '{near}'"), **{wrong: 1})


def test_unknown_parameter_lists_the_known(refused):
    refused(UnknownNameError, words=tuple(training_fields()), zzz=1)


@pytest.mark.parametrize("key", ["hidden_dim", "num_heads", "purity_period"])
def test_parameter_of_a_model_that_is_built(key, refused):
    refused(UsageError, words=(key, "build_model", "'GMN'"), **{key: 2})


@pytest.mark.parametrize(
    ("wrong", "near"), [("hiden_dim", "hidden_dim"), ("batchsize", "batch_size"), ("num_key", "num_keys")]
)
def test_unknown_parameter_of_a_model_by_name_with_the_nearest_of_both(wrong, near, refused):
    words = (wrong, "of GMN or of its training", f"did you mean '{near}'", "tau", "learning_rate")
    refused(UnknownNameError, model="GMN", words=words, **{wrong: 1})


def test_unknown_model_with_the_nearest(refused):
    refused(UnknownNameError, model="MINCUTPOL", words=("MINCUTPOL", "did you mean 'MINCUTPOOL'"))


def test_wrong_value_of_a_model_by_name(refused):
    refused(UsageError, model="MINCUTPOOL", hidden_dim=0, words=("hidden_dim", "MINCUTPOOL"))
    refused(UsageError, model="MINCUTPOOL", batch_size=0, words=("batch_size", "training"))


@pytest.mark.parametrize("model", [torch.nn.Linear(1, 1), None, 3], ids=["module", "None", "3"])
def test_what_is_no_model(model, refused):
    refused(UsageError, model=model, words=(type(model).__name__, "build_model"))


WHOLE = [name for name, kind in training_fields().items() if kind is int]
REAL = [name for name, kind in training_fields().items() if kind is float]
SWITCHES = [name for name, kind in training_fields().items() if kind is bool]
ZERO_MEANS_SOMETHING = {"auxiliary_weight", "clip_norm", "eval_batch_size", "replicas", "least_learning_rate"}


def test_every_field_is_one_of_the_three_kinds():
    assert sorted(WHOLE + REAL + SWITCHES) == sorted(training_fields())


@pytest.mark.parametrize("value", ["true", None, 0, 1, 1.0, [True]], ids=repr)
@pytest.mark.parametrize("key", SWITCHES)
def test_switches_of_the_wrong_type(key, value, refused):
    refused(UsageError, words=(key, "true or false"), **{key: value})


def test_switches():
    config = training_config("GMN", "DIGITS", tf32=True, cuda_graphs=False)
    assert (config.tf32, config.cuda_graphs) == (True, False)


@pytest.mark.parametrize("value", ["8", None, True, False, [8], 8.0, 8.5, math.nan], ids=repr)
@pytest.mark.parametrize("key", WHOLE)
def test_whole_numbers_of_the_wrong_type(key, value, refused):
    refused(UsageError, words=(key, "whole number"), **{key: value})


@pytest.mark.parametrize("value", ["0.1", None, True, [0.1], {}], ids=repr)
@pytest.mark.parametrize("key", REAL)
def test_numbers_of_the_wrong_type(key, value, refused):
    refused(UsageError, words=(key, "a number"), **{key: value})


@pytest.mark.parametrize("key", WHOLE)
def test_whole_numbers_out_of_range(key, refused):
    for value in [-1, 2**31, 2**70, *([] if key in ZERO_MEANS_SOMETHING else [0])]:
        refused(UsageError, words=(key, "cannot be"), **{key: value})


@pytest.mark.parametrize("key", REAL)
def test_numbers_out_of_range(key, refused):
    for value in [
        -1e-9,
        -math.inf,
        math.inf,
        math.nan,
        10**400,
        *([] if key in ZERO_MEANS_SOMETHING else [0, 0.0]),
    ]:
        refused(UsageError, words=(key, "cannot be"), **{key: value})


def test_factor_that_does_not_lower_the_rate(refused):
    for value in (1, 1.0, 2):
        refused(UsageError, words=("learning_rate_factor", "above 0 and below 1"), learning_rate_factor=value)


def test_floor_above_the_rate(refused):
    refused(UsageError, words=("least_learning_rate", "learning_rate"), learning_rate=1e-6)


def test_whole_numbers_are_numbers():
    config = training_config("GMN", "DIGITS", clip_norm=2, learning_rate=1)
    assert (config.clip_norm, config.learning_rate) == (2.0, 1.0)
    assert type(config.clip_norm) is float


@pytest.mark.parametrize(
    ("model", "clip_norm"),
    [
        ("DIFFPOOL", 2.0),
        ("N-DIFFPOOL-INV", 2.0),
        ("DIFFPOOL-V2", 2.0),
        ("N-MINCUTPOOL", 2.0),
        ("GRACLUS", 0.0),
        ("GMN", 0.0),
        ("NO-POOL", 0.0),
    ],
)
def test_defaults_are_the_papers(model, clip_norm):
    """Appendix A.2; gradient clipping where the release has it."""
    config = training_config(model, "NCI1")
    assert (config.learning_rate, config.learning_rate_factor, config.learning_rate_patience) == (
        1e-3,
        0.5,
        10,
    )
    assert (config.least_learning_rate, config.stop_patience, config.clip_norm) == (1e-5, 50, clip_norm)


# -- devices


@pytest.mark.parametrize(
    "name", ["gpu", "CUDA", "cuda:", "cuda:-1", "cuda:x", "", "cpu:1", "cuda:0 ", "0", 0, None]
)
def test_no_such_kind_of_device(name, refused):
    refused(DeviceError, device=name, words=("auto, cpu, cuda",))


@pytest.mark.parametrize("name", ["cuda:99", "cuda:4096"])
def test_absent_device(name, refused):
    refused(DeviceError, device=name, words=(name, "not on this machine", "cpu"))


def test_cuda_where_there_is_none(monkeypatch, refused):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    refused(DeviceError, device="cuda", words=("not on this machine",))
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    refused(DeviceError, device="mps", words=("not on this machine",))


def test_auto_takes_what_is_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device() == torch.device("cpu")
    assert resolve_device(torch.device("cpu")) == torch.device("cpu")


# -- models and data that do not fit


def test_larger_graphs_than_the_model_was_built_for(refused):
    graphs = list(named_graphs().values())
    small, large = (dataset_of(store_of(chosen)) for chosen in (graphs[:3], graphs))
    for name in ("DIFFPOOL", "N-MINCUTPOOL", "RANDOM-GMN"):
        refused(
            GraphTooLargeError, model=build_model(name, small), dataset=large, words=("14 nodes", "at most 7")
        )


def test_models_without_a_bound_take_larger_graphs():
    graphs = list(named_graphs().values())
    small, large = (dataset_of(store_of(chosen)) for chosen in (graphs[:3], graphs))
    (record,) = train(build_model("GRACLUS", small), large, [1], max_epochs=1, progress=False, device="cpu")
    assert record.error is None


@pytest.mark.parametrize("difference", ["features", "classes", "molecules"])
def test_model_of_another_dataset(difference, refused):
    graphs = list(named_graphs().values())
    one = dataset_of(store_of(graphs))
    other = {
        "features": lambda: dataset_of(store_of(graphs, 4)),
        "classes": lambda: dataset_of(store_of(graphs), num_classes=3),
        "molecules": lambda: dataset_of(store_of(graphs, molecules=True), like="MOLHIV"),
    }[difference]()
    refused(
        UsageError,
        model=build_model("MINCUTPOOL", one),
        dataset=other,
        words=("built for other features or classes",),
    )
    refused(
        UsageError,
        model=build_model("MINCUTPOOL", other),
        dataset=one,
        words=("built for other features or classes",),
    )


@pytest.mark.parametrize("part", ["val", "test"])
def test_roc_auc_of_one_class(part, refused, molecules):
    """OGB's evaluator raises a RuntimeError in the first epoch."""
    dataset = molecules.dataset
    one_class = replace(dataset, **{part: dataset.train[dataset.store.y == 0]})
    refused(
        DataError,
        model="NO-POOL",
        dataset=one_class,
        words=(f"only one class in its {part} split", "ROC-AUC"),
    )
