"""Checkpoints: where a run goes on, and what is refused."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager

import pytest
import torch
from safetensors import safe_open

from rethinkpool_core.errors import CheckpointError, RethinkPoolError, StorageError
from rethinkpool_core.training import trainer
from rethinkpool_core.training.run import TrainingRun

GMN = {"num_keys": [4, 1], "num_heads": 2}
OPTIONS = {"max_epochs": 3, "batch_size": 20, "learning_rate": 0.01}


@pytest.fixture
def interrupted(monkeypatch, run):
    """``interrupted(n, ...)``: a run asked to stop when it looks for the n-th time; whether it did."""

    def train_until(n, *args, **options):
        looks = 0

        @contextmanager
        def requests():
            def stopped():
                nonlocal looks
                looks += 1
                return looks >= n

            yield stopped

        with monkeypatch.context() as patch:
            patch.setattr(trainer, "stop_requests", requests)
            try:
                run(*args, **options)
            except KeyboardInterrupt:
                return True
            return False

    return train_until


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
        ),  # at the start, but with a file
        ("NO-POOL", [1], {"batch_size": 64}),  # one step an epoch
    ],
)
def test_stopped_after_any_step(name, seeds, options, digits, run, interrupted, tmp_path, assert_same):
    dataset, options = digits(60), OPTIONS | options
    expected = run(name, dataset, seeds, **options)
    for n in range(1, 100):
        folder = tmp_path / str(n)
        if not interrupted(n, name, dataset, seeds, checkpoint_dir=folder, **options):
            break
        # Every seed that had begun is saved; nothing else lies there. The first looks are for what is known beforehand.
        begun = not name.startswith("N-") or n > len(seeds)
        assert {path.suffix for path in folder.iterdir()} == ({".safetensors"} if begun else set())
        for record, other in zip(
            run(name, dataset, seeds, checkpoint_dir=folder, **options), expected, strict=True
        ):
            assert_same(record, other)
    assert n > 2, "a run of three epochs can be stopped more than once"


def test_stopped_again_and_again(digits, run, interrupted, tmp_path, assert_same):
    """Each process takes a single step."""
    dataset = digits(60)
    expected = run("MINCUTPOOL", dataset, [1], **OPTIONS)
    times = 0
    while interrupted(1, "MINCUTPOOL", dataset, [1], checkpoint_dir=tmp_path, **OPTIONS):
        times += 1
        assert times < 20
    assert times > 5
    assert_same(run("MINCUTPOOL", dataset, [1], checkpoint_dir=tmp_path, **OPTIONS)[0], expected[0])


def test_finished_seeds_are_not_trained_again(digits, run, tmp_path, assert_same, monkeypatch):
    dataset = digits(60)
    first = run("N-MINCUTPOOL", dataset, [1, 2], checkpoint_dir=tmp_path, **OPTIONS)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(TrainingRun, "train", lambda *args: pytest.fail("trained"))
    for record, other in zip(
        run("N-MINCUTPOOL", dataset, [2, 1], checkpoint_dir=tmp_path, **OPTIONS), first[::-1], strict=True
    ):
        assert_same(record, other)
        assert record.curves["train_seconds"] == other.curves["train_seconds"]
        assert record.weights.keys() == other.weights.keys()
    assert before == {path: path.read_bytes() for path in tmp_path.iterdir()}


def test_failed_replica_is_told_again(digits, run, tmp_path, assert_same):
    options = OPTIONS | {"learning_rate": 1e300}
    dataset = digits(60)
    (first,) = run("N-MINCUTPOOL", dataset, [1], checkpoint_dir=tmp_path, **options)
    assert first.error
    assert_same(run("N-MINCUTPOOL", dataset, [1], checkpoint_dir=tmp_path, **options)[0], first)


@pytest.mark.parametrize("moment", ["fsync", "replace"])
@pytest.mark.parametrize("limited", [False, True])
def test_killed_in_the_midst_of_any_save(moment, limited, digits, tmp_path, monkeypatch, assert_same):
    """In float32, where group changes how sums round, and with seeds that are over while others go on.

    Also where what is known beforehand would be too large for all three seeds, but not for those that go on.
    """
    import os
    from pathlib import Path

    from rethinkpool_core import build_model
    from rethinkpool_core.batching.batch import BatchBuilder
    from rethinkpool_core.training import precompute, train

    dataset = digits(60)
    model = build_model("N-DIFFPOOL-V2", dataset)
    if limited:
        terms = precompute.precompute_fixed_pooling(
            model, [1, 2], BatchBuilder(dataset, "cpu", torch.float32), 60
        )
        monkeypatch.setattr(precompute, "MAX_BYTES", sum(values.nbytes for values in terms.values()))
    seeds, options = (
        [1, 2, 3],
        {"batch_size": 12, "learning_rate": 0.003, "stop_patience": 2, "replicas": 3, "max_epochs": 8},
    )

    def trained(**more):
        return train(model, dataset, seeds, device="cpu", progress=False, **options, **more)

    expected = trained()
    assert len({record.epochs for record in expected}) > 1, "one was to end before the others"

    class Killed(BaseException):
        pass

    real, saves = getattr(os, moment), max(record.epochs for record in expected)
    for fatal in range(1, saves + 1):
        folder, count = tmp_path / str(fatal), 0

        def dies(*args, fatal=fatal):
            nonlocal count
            count += 1
            if count == fatal:
                raise Killed
            return real(*args)

        with monkeypatch.context() as patch:
            patch.setattr(os, moment, dies)
            patch.setattr(Path, "unlink", lambda *args, **options: None)  # the dead tidy nothing up
            with pytest.raises(Killed):
                trained(checkpoint_dir=folder)
        assert len(list(folder.iterdir())) == min(fatal, 2), "the half file, and the one before"
        for record, other in zip(trained(checkpoint_dir=folder), expected, strict=True):
            assert_same(record, other)
            assert record.provenance["side_by_side"] == seeds
            assert record.weights.keys() == other.weights.keys()
            assert all(torch.equal(record.weights[name], other.weights[name]) for name in other.weights)
        assert len(list(folder.iterdir())) == 1


def test_one_file_for_those_side_by_side(digits, run, tmp_path, monkeypatch):
    """And some of its seeds, or more than it has, can be asked for later."""
    dataset, options = digits(60), OPTIONS | {"replicas": 4}
    expected = run("N-MINCUTPOOL", dataset, [1, 2, 3, 4, 7], **OPTIONS)
    run("N-MINCUTPOOL", dataset, [1, 2, 3], checkpoint_dir=tmp_path, **options)
    assert [path.name for path in tmp_path.iterdir()] == ["N-MINCUTPOOL-DIGITS-seeds1-3.safetensors"]
    records = run("N-MINCUTPOOL", dataset, [2, 4, 7], checkpoint_dir=tmp_path, **options)
    assert len(list(tmp_path.iterdir())) == 2
    monkeypatch.setattr(TrainingRun, "train", lambda *args: pytest.fail("trained"))
    records = run("N-MINCUTPOOL", dataset, [1, 2, 3, 4, 7], checkpoint_dir=tmp_path, **options)
    for record, other in zip(records, expected, strict=True):
        assert_close(record, other)


def assert_close(record, other):
    assert record.seed == other.seed
    assert record.curves["val_loss"] == pytest.approx(other.curves["val_loss"], rel=1e-7)


def test_some_of_a_company_go_on(digits, run, interrupted, tmp_path):
    """Seeds begun together, of which one is asked for alone, then all: the farthest state of each counts."""
    dataset, options = digits(60), OPTIONS | {"replicas": 3}
    expected = run("N-MINCUTPOOL", dataset, [1, 2, 3], **options)
    assert interrupted(5, "N-MINCUTPOOL", dataset, [1, 2, 3], checkpoint_dir=tmp_path, **options)
    (alone,) = run("N-MINCUTPOOL", dataset, [2], checkpoint_dir=tmp_path, **options)
    assert_close(alone, expected[1])
    records = run("N-MINCUTPOOL", dataset, [1, 2, 3], checkpoint_dir=tmp_path, **options)
    for record, other in zip(records, expected, strict=True):
        assert_close(record, other)
        assert record.provenance["side_by_side"] is None, "of three, then alone or of two"
    names = sorted(path.name.removeprefix("N-MINCUTPOOL-DIGITS-seed") for path in tmp_path.iterdir())
    assert [name.split("-")[0] for name in names] == ["2.safetensors", "s1", "s1"]


def test_damaged_file_of_other_seeds_does_not_matter(saved, digits, run, caplog):
    damaged = saved.parent / "N-MINCUTPOOL-DIGITS-seeds5-9.safetensors"
    damaged.write_bytes(b"cut short")
    run("N-MINCUTPOOL", digits(60), [1], checkpoint_dir=saved.parent, **OPTIONS)
    assert damaged.exists() and not caplog.records
    run("N-MINCUTPOOL", digits(60), [1, 6], checkpoint_dir=saved.parent, **OPTIONS)
    assert not damaged.exists() and "seeds5-9" in caplog.text


def test_configuration_of_other_seeds_does_not_matter(digits, run, tmp_path):
    """A file whose name only seems to hold the seed."""
    dataset = digits(60)
    run("N-MINCUTPOOL", dataset, [1, 3], checkpoint_dir=tmp_path, **OPTIONS, replicas=2)
    others = OPTIONS | {"batch_size": 10}
    assert run("N-MINCUTPOOL", dataset, [2], checkpoint_dir=tmp_path, **others)
    with pytest.raises(CheckpointError, match="another configuration"):
        run("N-MINCUTPOOL", dataset, [2, 3], checkpoint_dir=tmp_path, **others)


def test_stopped_while_terms_are_made(digits, run, interrupted, tmp_path, assert_same):
    """Neither before anything is saved nor later is anything lost."""
    dataset, options = digits(60), OPTIONS | {"replicas": 2, "eval_batch_size": 25}  # three batches a seed
    expected = run("N-MINCUTPOOL", dataset, [1, 2], **options)
    assert interrupted(4, "N-MINCUTPOOL", dataset, [1, 2], checkpoint_dir=tmp_path, **options)
    assert not list(tmp_path.iterdir())
    assert interrupted(7, "N-MINCUTPOOL", dataset, [1, 2], checkpoint_dir=tmp_path, **options)
    (path,) = tmp_path.iterdir()
    before = path.read_bytes()
    assert interrupted(6, "N-MINCUTPOOL", dataset, [1, 2], checkpoint_dir=tmp_path, **options)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [before]
    records = run("N-MINCUTPOOL", dataset, [1, 2], checkpoint_dir=tmp_path, **options)
    for record, other in zip(records, expected, strict=True):
        assert_same(record, other)


def test_more_seeds_later_and_other_speed_settings(digits, run, tmp_path, assert_same):
    """What has no effect on results may change between calls."""
    dataset = digits(60)
    run("N-MINCUTPOOL", dataset, [2], checkpoint_dir=tmp_path, **OPTIONS)
    options = OPTIONS | {"replicas": 2, "eval_batch_size": 3, "checkpoint_every": 7}
    records = run("N-MINCUTPOOL", dataset, [1, 2, 3], checkpoint_dir=tmp_path, **options)
    for record, other in zip(records, run("N-MINCUTPOOL", dataset, [1, 2, 3], **OPTIONS), strict=True):
        assert_same(record, other, 1e-10)


def sentence(error: pytest.ExceptionInfo[RethinkPoolError], *words: str) -> None:
    text = str(error.value)
    assert "\n" not in text and len(text) < 400
    assert all(word in text for word in words), text


@pytest.fixture
def saved(digits, run, tmp_path):
    """A folder with the checkpoint of one seed."""
    run("N-MINCUTPOOL", digits(60), [1], checkpoint_dir=tmp_path, **OPTIONS)
    (path,) = tmp_path.iterdir()
    return path


OTHERS = {
    "batch_size is 20 there and 10 here": {"batch_size": 10},
    "learning_rate is 0.01 there and 0.011 here": {"learning_rate": 0.011},
    "hidden_dim is 32 there and 8 here": {"model": {"hidden_dim": 8}},
    "max_epochs is 3 there and 4 here": {"max_epochs": 4},
    "batch_size is 20 there and 10 here, clip_norm is 2.0 there and 1.0 here": {
        "batch_size": 10,
        "clip_norm": 1,
    },
}


@pytest.mark.parametrize("difference", OTHERS)
def test_checkpoint_of_another_configuration(difference, saved, digits, run):
    before = saved.read_bytes()
    with pytest.raises(CheckpointError) as error:
        run("N-MINCUTPOOL", digits(60), [1], checkpoint_dir=saved.parent, **(OPTIONS | OTHERS[difference]))
    sentence(error, str(saved), "another configuration", f"({difference})")
    assert saved.read_bytes() == before


def test_checkpoint_of_other_data(saved, digits, run):
    with pytest.raises(CheckpointError) as error:
        run("N-MINCUTPOOL", digits(61), [1], checkpoint_dir=saved.parent, **OPTIONS)
    there, here = digits(60).checksum, digits(61).checksum
    sentence(error, "other data", f"data checksum is {there} there and {here} here")


def test_checkpoint_in_another_precision(saved, digits):
    from rethinkpool_core import build_model
    from rethinkpool_core.training import train

    dataset = digits(60)
    with pytest.raises(
        CheckpointError, match=r"floating-point type is torch.float64 there and torch.float32 here"
    ):
        train(
            build_model("N-MINCUTPOOL", dataset),
            dataset,
            [1],
            checkpoint_dir=saved.parent,
            progress=False,
            device="cpu",
            **OPTIONS,
        )


def test_foreign_checkpoint_is_told_before_any_seed_trains(saved, digits, run, monkeypatch):
    monkeypatch.setattr(TrainingRun, "train", lambda *args: pytest.fail("trained"))
    with pytest.raises(CheckpointError):
        run(
            "N-MINCUTPOOL",
            digits(60),
            [3, 2, 1],
            checkpoint_dir=saved.parent,
            **(OPTIONS | {"batch_size": 10}),
        )


def test_folder_in_the_place_of_a_checkpoint(saved, digits, run):
    saved.unlink()
    saved.mkdir()
    with pytest.raises(CheckpointError) as error:
        run("N-MINCUTPOOL", digits(60), [1], checkpoint_dir=saved.parent, **OPTIONS)
    sentence(error, str(saved), "cannot be read", "delete it")


def test_folder_under_a_file_is_told_before_training(digits, run, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setattr(TrainingRun, "train", lambda *args: pytest.fail("trained"))
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StorageError) as error:
            run("N-MINCUTPOOL", digits(60), [1], checkpoint_dir=folder, **OPTIONS)
        sentence(error, str(folder), "choose another folder")


def test_full_disk_leaves_the_checkpoint_before(digits, run, tmp_path, monkeypatch, assert_same):
    import errno
    import os

    dataset, writes = digits(60), 0
    expected = run("N-MINCUTPOOL", dataset, [1], **OPTIONS)

    def full(descriptor):
        nonlocal writes
        writes += 1
        if writes == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageError) as error:
            run("N-MINCUTPOOL", dataset, [1], checkpoint_dir=tmp_path, **OPTIONS)
    sentence(error, "No space left", "checkpoint")
    assert "--root" not in str(error.value)
    (path,) = tmp_path.iterdir()  # nothing half-written beside it
    with safe_open(path, "pt") as file:
        assert json.loads(file.metadata()["seeds"])["1"]["epoch"] == 1
    assert_same(run("N-MINCUTPOOL", dataset, [1], checkpoint_dir=tmp_path, **OPTIONS)[0], expected[0])


def test_training_in_another_thread(digits, run, tmp_path):
    """Signals belong to the main thread; stop_event training works without them."""
    records = []
    thread = threading.Thread(
        target=lambda: records.extend(
            run("N-MINCUTPOOL", digits(60), [1], checkpoint_dir=tmp_path, **OPTIONS)
        )
    )
    thread.start()
    thread.join()
    assert records[0].epochs == 3


def test_signal_handlers_are_given_back(digits, run):
    import signal

    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    run("N-MINCUTPOOL", digits(60), [1], **(OPTIONS | {"max_epochs": 1}))
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_half_written_file_of_a_kill_goes_away(saved, digits, run):
    ours, theirs = (
        saved.with_name(f".N-MINCUTPOOL-DIGITS-seed{seed}.safetensors-0123abcd") for seed in (1, 2)
    )
    ours.write_bytes(b"half")
    theirs.write_bytes(b"perhaps of a process that trains seed 2 at this moment")
    run("N-MINCUTPOOL", digits(60), [1], checkpoint_dir=saved.parent, **OPTIONS)
    assert sorted(saved.parent.iterdir()) == sorted([saved, theirs])


def test_stopped_before_its_first_step_was_whole(digits, run, interrupted, tmp_path, assert_same):
    """A file that says nothing is done yet, beside a seed without a file."""
    dataset, options = (
        digits(60),
        OPTIONS | {"max_epochs": 2, "model": GMN | {"purity_period": 1}, "replicas": 2},
    )
    expected = run("GMN", dataset, [1, 2], **options)
    for seed in (1, 2):
        folder = tmp_path / str(seed)
        assert interrupted(1, "GMN", dataset, [seed], checkpoint_dir=folder, **options)
        records = run("GMN", dataset, [1, 2], checkpoint_dir=folder, **options)
        for record, other in zip(records, expected, strict=True):
            assert_same(record, other, 1e-7)
