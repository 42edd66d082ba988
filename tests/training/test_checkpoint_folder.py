"""Which files a folder of checkpoints has, which seeds resume from which, and what is refused before any training."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace

import pytest
from safetensors import safe_open

from rethinkpool_core import build_model
from rethinkpool_core.errors import CheckpointError, StorageError
from rethinkpool_core.training import train
from rethinkpool_core.training.run import TrainingRun

OPTIONS = {"max_epochs": 3, "batch_size": 20, "learning_rate": 0.01}


@pytest.fixture
def saved(digits, run, tmp_path):
    """The checkpoint of a finished seed."""
    run("N-MINCUTPOOL", digits(60), [1], checkpoint_dir=tmp_path, **OPTIONS)
    (path,) = tmp_path.iterdir()
    return path


@pytest.fixture
def no_training(monkeypatch):
    """From the call on, training fails the test."""
    return lambda: monkeypatch.setattr(TrainingRun, "train", lambda *args: pytest.fail("trained"))


def assert_close(record, other):
    assert record.seed == other.seed
    assert record.curves["val_loss"] == pytest.approx(other.curves["val_loss"], rel=1e-7)


def test_one_file_per_group_and_any_seeds_of_them_later(digits, run, tmp_path, no_training):
    dataset, options = digits(60), OPTIONS | {"replicas": 4}
    expected = run("N-MINCUTPOOL", dataset, [1, 2, 3, 4, 7], **OPTIONS)
    run("N-MINCUTPOOL", dataset, [1, 2, 3], checkpoint_dir=tmp_path, **options)
    assert [path.name for path in tmp_path.iterdir()] == ["N-MINCUTPOOL-DIGITS-seeds1-3.safetensors"]
    run("N-MINCUTPOOL", dataset, [2, 4, 7], checkpoint_dir=tmp_path, **options)
    assert len(list(tmp_path.iterdir())) == 2
    no_training()
    records = run("N-MINCUTPOOL", dataset, [1, 2, 3, 4, 7], checkpoint_dir=tmp_path, **options)
    for record, other in zip(records, expected, strict=True):
        assert_close(record, other)


@pytest.mark.parametrize("name", ["MY GRAPHS", "MINE[1]", "mine/2026", r"C:\mine", "../mine", "*"])
def test_any_name_of_a_dataset(name, digits, run, tmp_path, no_training):
    """`GraphDataset.from_pyg` takes any: all files are in the folder, and a repeated call finds its own."""
    dataset = replace(digits(60), name=name)
    folder = tmp_path / "checkpoints"
    run("N-MINCUTPOOL", dataset, [1], checkpoint_dir=folder, **OPTIONS)
    (path,) = folder.iterdir()
    assert path.is_file() and list(tmp_path.iterdir()) == [folder]
    half_written = path.with_name(f".{path.name}-0123abcd")
    half_written.write_bytes(b"half")
    no_training()
    run("N-MINCUTPOOL", dataset, [1], checkpoint_dir=folder, **OPTIONS)
    assert list(folder.iterdir()) == [path]


def test_some_seeds_of_a_group_resume_alone(digits, run, interrupted, tmp_path):
    """One of three seeds that were checkpointed together, then all three: each resumes from where it has trained longest."""
    dataset, options = digits(60), OPTIONS | {"replicas": 3}
    expected = run("N-MINCUTPOOL", dataset, [1, 2, 3], **options)
    assert interrupted(5, "N-MINCUTPOOL", dataset, [1, 2, 3], checkpoint_dir=tmp_path, **options)
    (alone,) = run("N-MINCUTPOOL", dataset, [2], checkpoint_dir=tmp_path, **options)
    assert_close(alone, expected[1])
    records = run("N-MINCUTPOOL", dataset, [1, 2, 3], checkpoint_dir=tmp_path, **options)
    for record, other in zip(records, expected, strict=True):
        assert_close(record, other)
        assert record.provenance["side_by_side"] is None, "first with two others, then alone or with one"
    names = sorted(path.name.removeprefix("N-MINCUTPOOL-DIGITS-seed") for path in tmp_path.iterdir())
    assert [name.split("-")[0] for name in names] == ["2.safetensors", "s1", "s1"]


def test_more_seeds_and_other_settings_of_speed(digits, run, tmp_path, assert_same):
    """Parameters that do not affect the results may change between calls."""
    dataset = digits(60)
    run("N-MINCUTPOOL", dataset, [2], checkpoint_dir=tmp_path, **OPTIONS)
    options = OPTIONS | {"replicas": 2, "eval_batch_size": 3, "checkpoint_every": 7}
    records = run("N-MINCUTPOOL", dataset, [1, 2, 3], checkpoint_dir=tmp_path, **options)
    for record, other in zip(records, run("N-MINCUTPOOL", dataset, [1, 2, 3], **OPTIONS), strict=True):
        assert_same(record, other, 1e-10)


def test_damaged_file_of_other_seeds_does_not_matter(saved, digits, run, caplog):
    damaged = saved.parent / "N-MINCUTPOOL-DIGITS-seeds5-9.safetensors"
    damaged.write_bytes(b"cut short")
    run("N-MINCUTPOOL", digits(60), [1], checkpoint_dir=saved.parent, **OPTIONS)
    assert damaged.exists() and not caplog.records
    run("N-MINCUTPOOL", digits(60), [1, 6], checkpoint_dir=saved.parent, **OPTIONS)
    assert not damaged.exists() and "seeds5-9" in caplog.text


def test_configuration_of_other_seeds_does_not_matter(digits, run, tmp_path):
    """Not even of a file whose name has the seed between its first and its last."""
    dataset = digits(60)
    run("N-MINCUTPOOL", dataset, [1, 3], checkpoint_dir=tmp_path, **OPTIONS, replicas=2)
    others = OPTIONS | {"batch_size": 10}
    (record,) = run("N-MINCUTPOOL", dataset, [2], checkpoint_dir=tmp_path, **others)
    assert record.epochs == 3
    with pytest.raises(CheckpointError, match="another configuration"):
        run("N-MINCUTPOOL", dataset, [2, 3], checkpoint_dir=tmp_path, **others)


def test_half_written_file_of_a_killed_process_is_removed(saved, digits, run):
    own, other = (saved.with_name(f".N-MINCUTPOOL-DIGITS-seed{seed}.safetensors-0123abcd") for seed in (1, 2))
    own.write_bytes(b"half")
    other.write_bytes(b"perhaps of a process that trains seed 2 at this moment")
    run("N-MINCUTPOOL", digits(60), [1], checkpoint_dir=saved.parent, **OPTIONS)
    assert sorted(saved.parent.iterdir()) == sorted([saved, other])


# -- refused

DIFFERENCES = {
    "batch_size is 20 there and 10 here": {"batch_size": 10},
    "learning_rate is 0.01 there and 0.011 here": {"learning_rate": 0.011},
    "hidden_dim is 32 there and 8 here": {"model": {"hidden_dim": 8}},
    "max_epochs is 3 there and 4 here": {"max_epochs": 4},
    "batch_size is 20 there and 10 here, clip_norm is 2.0 there and 1.0 here": {
        "batch_size": 10,
        "clip_norm": 1,
    },
}


@pytest.mark.parametrize("difference", DIFFERENCES)
def test_checkpoint_of_another_configuration(difference, saved, digits, run, sentence):
    options, before = OPTIONS | DIFFERENCES[difference], saved.read_bytes()
    with pytest.raises(CheckpointError) as error:
        run("N-MINCUTPOOL", digits(60), [1], checkpoint_dir=saved.parent, **options)
    sentence(error, str(saved), "another configuration", f"({difference})")
    assert saved.read_bytes() == before


def test_checkpoint_of_other_data(saved, digits, run, sentence):
    with pytest.raises(CheckpointError) as error:
        run("N-MINCUTPOOL", digits(61), [1], checkpoint_dir=saved.parent, **OPTIONS)
    there, here = digits(60).checksum, digits(61).checksum
    sentence(error, "other data", f"data checksum is {there} there and {here} here")


def test_checkpoint_in_another_precision(saved, digits):
    dataset = digits(60)
    options = OPTIONS | {"checkpoint_dir": saved.parent, "progress": False, "device": "cpu"}
    with pytest.raises(
        CheckpointError, match=r"floating-point type is torch\.float64 there and torch\.float32 here"
    ):
        train(build_model("N-MINCUTPOOL", dataset), dataset, [1], **options)


def test_another_configuration_is_reported_before_any_seed_trains(saved, digits, run, no_training):
    no_training()
    options = OPTIONS | {"batch_size": 10, "checkpoint_dir": saved.parent}
    with pytest.raises(CheckpointError):
        run("N-MINCUTPOOL", digits(60), [3, 2, 1], **options)


def test_folder_with_the_name_of_a_checkpoint(saved, digits, run, sentence):
    saved.unlink()
    saved.mkdir()
    with pytest.raises(CheckpointError) as error:
        run("N-MINCUTPOOL", digits(60), [1], checkpoint_dir=saved.parent, **OPTIONS)
    sentence(error, str(saved), "cannot be read", "delete it")


@pytest.mark.parametrize("folder", ["file", "file/below"])
def test_folder_that_cannot_be_made_is_reported_before_training(
    folder, digits, run, tmp_path, no_training, sentence
):
    (tmp_path / "file").write_text("not a folder")
    no_training()
    with pytest.raises(StorageError) as error:
        run("N-MINCUTPOOL", digits(60), [1], checkpoint_dir=tmp_path / folder, **OPTIONS)
    sentence(error, str(tmp_path / folder), "choose another folder")


def test_full_disk_leaves_the_last_checkpoint(digits, run, tmp_path, monkeypatch, assert_same, sentence):
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
    (path,) = tmp_path.iterdir()  # no half-written file beside it
    with safe_open(path, "pt") as file:
        assert json.loads(file.metadata()["seeds"])["1"]["epoch"] == 1
    assert_same(run("N-MINCUTPOOL", dataset, [1], checkpoint_dir=tmp_path, **OPTIONS)[0], expected[0])
