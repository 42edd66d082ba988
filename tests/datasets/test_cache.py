"""The packed file is used when it is what packing again would give, and rebuilt in every other case."""

from __future__ import annotations

import errno
import logging
import os
import time
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from rethinkpool_core.datasets import dataset as dataset_module
from rethinkpool_core.datasets import load_dataset
from rethinkpool_core.datasets.storage import cache
from rethinkpool_core.errors import DataError, StorageError
from rethinkpool_core.files.atomic import storage_errors


@pytest.fixture
def packed(tiny_root: Path) -> Path:
    load_dataset("TU:TINY", tiny_root)
    return tiny_root / "TUDataset" / "TINY.safetensors"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of datasets whose raw files are read from here on."""
    seen: list[str] = []
    original = dataset_module.read_raw
    monkeypatch.setattr(
        dataset_module, "read_raw", lambda spec, root: seen.append(spec.name) or original(spec, root)
    )
    return seen


def rewrite(path: Path, **changes: str) -> None:
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    save_file(load_file(path), path, metadata | changes)


def flip(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)


def test_second_load_reads_no_raw_file_and_gives_the_same(
    tiny_root: Path, packed: Path, reads: list[str]
) -> None:
    first = load_dataset("TU:TINY", tiny_root)
    again = load_dataset("TU:TINY", tiny_root)
    assert reads == []
    assert first.checksum == again.checksum == again.store.digest()
    assert first.spec == again.spec


DAMAGE = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-10]),
    "empty": lambda path: path.write_bytes(b""),
    "bit flipped in a tensor": lambda path: flip(path, -5),
    "bit flipped in the header": lambda path: flip(path, path.read_bytes().index(b"one_hot")),
    "foreign file": lambda path: save_file({"weights": torch.zeros(3)}, path),
    "another format": lambda path: rewrite(path, format="rethinkpool-graphs-0"),
    "another spec": lambda path: rewrite(path, spec="name=OTHER"),
    "width of the features changed": lambda path: rewrite(path, num_features="5"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_unusable_packed_file_is_rebuilt_with_one_line(
    tiny_root: Path, packed: Path, reads: list[str], caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    good = load_dataset("TU:TINY", tiny_root)
    DAMAGE[damage](packed)
    with caplog.at_level(logging.WARNING):
        rebuilt = load_dataset("TU:TINY", tiny_root)
    assert rebuilt.checksum == good.checksum
    assert reads == ["TU:TINY"]
    assert len(caplog.messages) == 1 and caplog.messages[0].startswith("packing TU:TINY again")
    load_dataset("TU:TINY", tiny_root)
    assert reads == ["TU:TINY"]


def test_changed_raw_file_makes_it_stale_even_at_the_same_size(
    tiny_root: Path, packed: Path, reads: list[str]
) -> None:
    labels = tiny_root / "TUDataset" / "TINY" / "raw" / "TINY_node_labels.txt"
    before = load_dataset("TU:TINY", tiny_root)
    labels.write_text(labels.read_text().replace("1\n2\n4", "2\n1\n4", 1))
    assert load_dataset("TU:TINY", tiny_root).checksum != before.checksum
    assert reads == ["TU:TINY"]


def test_touched_raw_file_is_hashed_once_and_not_packed_again(
    tiny_root: Path, packed: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in (tiny_root / "TUDataset" / "TINY" / "raw").iterdir():
        os.utime(file, ns=(time.time_ns(), time.time_ns() - 10**9))
    hashed: list[Path] = []
    monkeypatch.setattr(
        cache, "sha256", lambda path, sha256=cache.sha256: hashed.append(path) or sha256(path)
    )
    load_dataset("TU:TINY", tiny_root)
    assert len(hashed) == 4
    load_dataset("TU:TINY", tiny_root)
    assert len(hashed) == 4
    assert reads == []


def test_raw_file_that_went_missing_is_an_error_though_the_packed_file_is_good(
    tiny_root: Path, packed: Path
) -> None:
    (tiny_root / "TUDataset" / "TINY" / "raw" / "TINY_graph_labels.txt").unlink()
    with pytest.raises(DataError, match=r"TINY_graph_labels\.txt is missing"):
        load_dataset("TU:TINY", tiny_root)


def test_full_disk_leaves_no_half_file(tiny_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"No space left on device.*free space"):
        load_dataset("TU:TINY", tiny_root)
    assert os.listdir(tiny_root / "TUDataset") == ["TINY"]


def test_full_disk_keeps_the_packed_file_that_is_there(
    tiny_root: Path, packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = packed.read_bytes()
    labels = tiny_root / "TUDataset" / "TINY" / "raw" / "TINY_node_labels.txt"
    labels.write_text(labels.read_text().replace("1\n2\n4", "2\n1\n4", 1))

    def full(source: object, target: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StorageError):
        load_dataset("TU:TINY", tiny_root)
    assert packed.read_bytes() == content
    assert sorted(os.listdir(tiny_root / "TUDataset")) == ["TINY", "TINY.safetensors"]


def test_torchs_report_of_a_full_disk_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="free space"), storage_errors(tmp_path):
        raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 83904 vs 83798")


def test_unwritable_root_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageError, match=r"cannot use .*file.*--root"):
        load_dataset("DIGITS", tmp_path / "file" / "root")


def test_loading_writes_nothing_but_the_packed_file(tiny_root: Path, packed: Path) -> None:
    assert sorted(os.listdir(tiny_root / "TUDataset")) == ["TINY", "TINY.safetensors"]
    assert os.listdir(tiny_root / "TUDataset" / "TINY") == ["raw"]
