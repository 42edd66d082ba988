"""A checkpoint that is not what was written is set aside with a warning, and its seeds start again."""

from __future__ import annotations

import logging
import random

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from rethinkpool_core.errors import CheckpointError
from rethinkpool_core.training.checkpoint import (
    Checkpoint,
    DamagedFileError,
    SavedSeed,
    digest_of,
    read_checkpoint,
    write_checkpoint,
)

OPTIONS = {"max_epochs": 3, "batch_size": 20, "learning_rate": 0.01, "replicas": 2}


@pytest.fixture
def saved(digits, run, tmp_path):
    """The checkpoint of seeds 1 and 2."""
    run("N-MINCUTPOOL", digits(60), [1, 2], checkpoint_dir=tmp_path, **OPTIONS)
    (path,) = tmp_path.iterdir()
    return path


def flip(path, position: int, bit: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1 << bit
    path.write_bytes(content)


def small_checkpoint() -> Checkpoint:
    generator = torch.Generator().manual_seed(0)

    def seed() -> SavedSeed:
        tensors = {
            "all/theta": torch.randn(3, 2, generator=generator),
            "all/steps": torch.tensor(12),
            "best/weight": torch.randn(2, generator=generator, dtype=torch.float64),
        }
        return SavedSeed(tensors, {"epoch": 3, "curves": {"cut": [0.5, float("nan"), 0.25]}, "error": None})

    return Checkpoint({"training": {"batch_size": 8}}, {1: seed(), 2: seed()})


def test_there_and_back(tmp_path):
    written = small_checkpoint()
    write_checkpoint(tmp_path / "file", written)
    read = read_checkpoint(tmp_path / "file")
    assert read.config == written.config and read.seeds.keys() == written.seeds.keys()
    for seed, (tensors, values) in written.seeds.items():
        assert repr(read.seeds[seed].values) == repr(values)
        torch.testing.assert_close(read.seeds[seed].tensors, tensors, rtol=0, atol=0)


def test_every_byte_counts(tmp_path):
    """One bit of every byte in turn: in the header's length, names, shapes, states, configuration, digest and tensors."""
    path, draw = tmp_path / "file", random.Random(0)
    write_checkpoint(path, small_checkpoint())
    whole = path.read_bytes()
    for position in range(len(whole)):
        flip(path, position, draw.randrange(8))
        with pytest.raises(DamagedFileError):
            read_checkpoint(path)
        path.write_bytes(whole)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.9, 1.0])
def test_flipped_bit(share, saved, digits, run, caplog, assert_same):
    whole = saved.read_bytes()
    flip(saved, int(share * (len(whole) - 1)), bit=3)
    damaged = saved.read_bytes()
    with caplog.at_level(logging.WARNING):
        records = run("N-MINCUTPOOL", digits(60), [1, 2], checkpoint_dir=saved.parent, **OPTIONS)
    (warning,) = caplog.records
    aside = saved.with_name(saved.name + ".damaged1")
    assert all(word in warning.getMessage() for word in (str(saved), aside.name, "start again"))
    assert aside.read_bytes() == damaged
    for record, expected in zip(records, run("N-MINCUTPOOL", digits(60), [1, 2], **OPTIONS), strict=True):
        assert_same(record, expected)
    assert read_checkpoint(saved).seeds.keys() == {1, 2}


def test_flipped_bit_of_one_group_leaves_the_other(saved, digits, run, caplog):
    options = OPTIONS | {"checkpoint_dir": saved.parent}
    run("N-MINCUTPOOL", digits(60), [5], **options)
    other = saved.with_name("N-MINCUTPOOL-DIGITS-seed5.safetensors")
    flip(other, 1000)
    before, trained = saved.read_bytes(), set()
    run(
        "N-MINCUTPOOL", digits(60), [1, 2, 5], on_epoch=lambda report: trained.update(report.seeds), **options
    )
    assert trained == {5}
    assert saved.read_bytes() == before
    assert len(caplog.records) == 1


@pytest.mark.parametrize("keep", [0, 5, 100, -1])
def test_truncated(keep, saved, digits, run, caplog):
    for number in (1, 2):
        saved.write_bytes(saved.read_bytes()[:keep])
        run("N-MINCUTPOOL", digits(60), [1, 2], checkpoint_dir=saved.parent, **OPTIONS)
        assert saved.with_name(f"{saved.name}.damaged{number}").exists(), "an earlier one is kept"
    assert len(caplog.records) == 2


def rewritten(path, change, sign=lambda metadata, tensors: None) -> None:
    with safe_open(path, "pt") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}
    change(metadata)
    sign(metadata, tensors)
    save_file(tensors, path, metadata)


def test_file_of_another_kind_is_set_aside(saved, digits, run, caplog):
    rewritten(saved, lambda metadata: metadata.clear())
    run("N-MINCUTPOOL", digits(60), [1, 2], checkpoint_dir=saved.parent, **OPTIONS)
    assert len(caplog.records) == 1


def signed(metadata, tensors):
    del metadata["digest"]
    metadata["digest"] = digest_of(tensors, metadata)


def unsigned(metadata, tensors):
    del metadata["digest"]


@pytest.mark.parametrize("sign", [signed, unsigned])
def test_file_of_another_version_is_left_alone(sign, saved, digits, run, caplog):
    """Another version need not have what this one has."""

    def change(metadata):
        metadata["format"] = "999"
        del metadata["seeds"]

    rewritten(saved, change, sign)
    before = saved.read_bytes()
    with pytest.raises(CheckpointError, match=r"another version of this package: .* delete it$"):
        run("N-MINCUTPOOL", digits(60), [1, 2], checkpoint_dir=saved.parent, **OPTIONS)
    assert saved.read_bytes() == before and not caplog.records


def test_damaged_file_that_cannot_be_renamed(saved, digits, run, monkeypatch):
    from pathlib import Path

    def refuse(self, target):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    flip(saved, 1000)
    with pytest.raises(CheckpointError, match=r"is damaged .* cannot be renamed \(Permission denied\)"):
        run("N-MINCUTPOOL", digits(60), [1, 2], checkpoint_dir=saved.parent, **OPTIONS)
