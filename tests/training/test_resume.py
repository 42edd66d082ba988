"""A training that was stopped or killed at any moment resumes to the same last bit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from rethinkpool_core import build_model
from rethinkpool_core.batching.batch import BatchBuilder
from rethinkpool_core.training import precompute, train
from rethinkpool_core.training.run import TrainingRun

GMN = {"num_keys": [4, 1], "num_heads": 2}
OPTIONS = {"max_epochs": 3, "batch_size": 20, "learning_rate": 0.01}


@pytest.mark.parametrize(
    ("name", "seeds", "options"),
    [
        ("MINCUTPOOL", [1], {}),
        ("N-DIFFPOOL-V2", [1, 2], {"replicas": 2, "max_epochs": 2, "batch_size": 24}),
        (
            "GMN",
            [1, 2],
            {"replicas": 2, "model": GMN | {"purity_period": 2}, "checkpoint_every": 5, "batch_size": 24},
        ),
        (
            "GMN",
            [1, 2],
            {"model": GMN | {"purity_period": 1}, "max_epochs": 1},
        ),  # one step, which starts over
        ("NO-POOL", [1], {"batch_size": 64}),  # one batch per epoch
    ],
)
def test_stopped_after_any_step(name, seeds, options, digits, run, interrupted, tmp_path, assert_same):
    dataset, options = digits(60), OPTIONS | options
    expected = run(name, dataset, seeds, **options)
    for n in range(1, 100):
        folder = tmp_path / str(n)
        if not interrupted(n, name, dataset, seeds, checkpoint_dir=folder, **options):
            break
        # The first requests come while fixed assignments are precomputed, before there is anything to save.
        started = not name.startswith("N-") or n > len(seeds)
        assert {path.suffix for path in folder.iterdir()} == ({".safetensors"} if started else set())
        resumed = run(name, dataset, seeds, checkpoint_dir=folder, **options)
        for record, other in zip(resumed, expected, strict=True):
            assert_same(record, other)
    assert n > 2, "a run of three epochs can be stopped more than once"


def test_stopped_after_every_step(digits, run, interrupted, tmp_path, assert_same):
    dataset = digits(60)
    expected = run("MINCUTPOOL", dataset, [1], **OPTIONS)
    times = 0
    while interrupted(1, "MINCUTPOOL", dataset, [1], checkpoint_dir=tmp_path, **OPTIONS):
        times += 1
        assert times < 20
    assert times > 5
    assert_same(run("MINCUTPOOL", dataset, [1], checkpoint_dir=tmp_path, **OPTIONS)[0], expected[0])


def test_stopped_while_fixed_assignments_are_precomputed(digits, run, interrupted, tmp_path, assert_same):
    """Nothing is saved before the first step, and nothing that was saved is lost."""
    dataset, options = digits(60), OPTIONS | {"replicas": 2, "eval_batch_size": 25}  # three batches per seed
    expected = run("N-MINCUTPOOL", dataset, [1, 2], **options)
    assert interrupted(4, "N-MINCUTPOOL", dataset, [1, 2], checkpoint_dir=tmp_path, **options)
    assert not list(tmp_path.iterdir())
    assert interrupted(7, "N-MINCUTPOOL", dataset, [1, 2], checkpoint_dir=tmp_path, **options)
    (path,) = tmp_path.iterdir()
    before = path.read_bytes()
    assert interrupted(6, "N-MINCUTPOOL", dataset, [1, 2], checkpoint_dir=tmp_path, **options)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [before]
    resumed = run("N-MINCUTPOOL", dataset, [1, 2], checkpoint_dir=tmp_path, **options)
    for record, other in zip(resumed, expected, strict=True):
        assert_same(record, other)


def test_stopped_within_the_first_step(digits, run, interrupted, tmp_path, assert_same):
    """The checkpoint of a seed without a finished step, beside a seed without a checkpoint."""
    dataset = digits(60)
    options = OPTIONS | {"max_epochs": 2, "model": GMN | {"purity_period": 1}, "replicas": 2}
    expected = run("GMN", dataset, [1, 2], **options)
    for seed in (1, 2):
        folder = tmp_path / str(seed)
        assert interrupted(1, "GMN", dataset, [seed], checkpoint_dir=folder, **options)
        resumed = run("GMN", dataset, [1, 2], checkpoint_dir=folder, **options)
        for record, other in zip(resumed, expected, strict=True):
            assert_same(record, other, 1e-7)


class Killed(BaseException):
    pass


@pytest.mark.parametrize("moment", ["fsync", "replace"])
@pytest.mark.parametrize("limited", [False, True])
def test_killed_during_any_save(moment, limited, digits, tmp_path, monkeypatch, assert_same):
    """In float32, where sums round differently in another group, and with seeds that finish before others.

    ``limited``: the precomputed terms of all three seeds would take too much memory, those of the unfinished seeds would not.
    """
    dataset, seeds = digits(60), [1, 2, 3]
    model = build_model("N-DIFFPOOL-V2", dataset)
    if limited:
        builder = BatchBuilder(dataset, "cpu", torch.float32)
        terms = precompute.precompute_fixed_pooling(model, [1, 2], builder, 60)
        size = sum(values.nbytes for values in terms.values())
        monkeypatch.setattr(precompute, "max_bytes", lambda device: size)
    options = {"batch_size": 12, "learning_rate": 0.003, "stop_patience": 2, "replicas": 3, "max_epochs": 8}
    options |= {"device": "cpu", "progress": False}
    expected = train(model, dataset, seeds, **options)
    assert len({record.epochs for record in expected}) > 1, "one is to finish before the others"
    real = getattr(os, moment)
    for fatal in range(1, max(record.epochs for record in expected) + 1):
        folder, count = tmp_path / str(fatal), 0

        def dies(*args, fatal=fatal):
            nonlocal count
            count += 1
            if count == fatal:
                raise Killed
            return real(*args)

        with monkeypatch.context() as patch:
            patch.setattr(os, moment, dies)
            patch.setattr(Path, "unlink", lambda *args, **options: None)  # a killed process removes nothing
            with pytest.raises(Killed):
                train(model, dataset, seeds, checkpoint_dir=folder, **options)
        assert len(list(folder.iterdir())) == min(fatal, 2), "the half-written file, and the one before"
        resumed = train(model, dataset, seeds, checkpoint_dir=folder, **options)
        for record, other in zip(resumed, expected, strict=True):
            assert_same(record, other)
            assert record.provenance["side_by_side"] == seeds
            assert record.weights.keys() == other.weights.keys()
            assert all(torch.equal(record.weights[name], other.weights[name]) for name in other.weights)
        assert len(list(folder.iterdir())) == 1


def test_finished_seeds_are_not_trained_again(digits, run, tmp_path, assert_same, monkeypatch):
    dataset = digits(60)
    first = run("N-MINCUTPOOL", dataset, [1, 2], checkpoint_dir=tmp_path, **OPTIONS)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(TrainingRun, "train", lambda *args: pytest.fail("trained"))
    again = run("N-MINCUTPOOL", dataset, [2, 1], checkpoint_dir=tmp_path, **OPTIONS)
    for record, other in zip(again, first[::-1], strict=True):
        assert_same(record, other)
        assert record.curves["train_seconds"] == other.curves["train_seconds"]
        assert record.weights.keys() == other.weights.keys()
        assert all(torch.equal(record.weights[name], other.weights[name]) for name in other.weights)
    assert before == {path: path.read_bytes() for path in tmp_path.iterdir()}


def test_failed_seed_is_reported_again(digits, run, tmp_path, assert_same):
    options = OPTIONS | {"learning_rate": 1e300}
    dataset = digits(60)
    (first,) = run("N-MINCUTPOOL", dataset, [1], checkpoint_dir=tmp_path, **options)
    assert first.error
    assert_same(run("N-MINCUTPOOL", dataset, [1], checkpoint_dir=tmp_path, **options)[0], first)
