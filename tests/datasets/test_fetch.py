"""Fetching from a mirror and through the loaders' own download code (pointed at local files)."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from rethinkpool_core.datasets import load_dataset
from rethinkpool_core.datasets.fetch import fetch
from rethinkpool_core.errors import DataError, StorageError, UnknownNameError


@pytest.fixture
def tiny_mirror(tmp_path: Path, tiny_root: Path) -> Path:
    """A mirror that holds TINY, as an archive with no known checksum."""
    folder = tmp_path / "mirror" / "TUDataset"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "TINY.zip", "w") as archive:
        for file in (tiny_root / "TUDataset" / "TINY" / "raw").iterdir():
            archive.write(file, f"TINY/{file.name}")
    return tmp_path / "mirror"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "fetched"


def list_sum(mirror: Path, name: str, content: bytes) -> None:
    (mirror / "SHA256SUMS").write_text(f"{hashlib.sha256(content).hexdigest()}  {name}\n")


def test_set_without_a_known_checksum_is_taken(tiny_mirror: Path, root: Path) -> None:
    assert [row.origin for row in fetch(["TU:TINY"], root, tiny_mirror)] == ["mirror"]
    assert load_dataset("TU:TINY", root).store.num_graphs == 20


def test_fetching_again_keeps_the_packed_store(tiny_mirror: Path, root: Path) -> None:
    fetch(["TU:TINY"], root, tiny_mirror)
    first = load_dataset("TU:TINY", root)
    fetch(["TU:TINY"], root, tiny_mirror)
    assert load_dataset("TU:TINY", root).checksum == first.checksum
    assert sorted(os.listdir(root / "TUDataset")) == ["TINY", "TINY.safetensors"]


def test_what_is_there_is_left_alone_without_a_mirror(tiny_mirror: Path, root: Path) -> None:
    fetch(["TU:TINY"], root, tiny_mirror)
    assert [row.origin for row in fetch(["TU:TINY", "DIGITS"], root)] == ["present", "built in"]


def test_checksum_in_the_mirror_is_verified(tiny_mirror: Path, root: Path) -> None:
    list_sum(tiny_mirror, "TUDataset/TINY.zip", b"what it was")
    with pytest.raises(DataError, match="the mirror's SHA256SUMS lists"):
        fetch(["TU:TINY"], root, tiny_mirror)
    assert not root.exists() or not any(root.rglob("*.txt"))


def test_checksum_known_to_the_package_is_verified(tiny_mirror: Path, root: Path) -> None:
    shutil.copy(tiny_mirror / "TUDataset" / "TINY.zip", tiny_mirror / "TUDataset" / "NCI1.zip")
    with pytest.raises(DataError, match=r"NCI1.zip has SHA256 .* where this package lists"):
        fetch(["NCI1"], root, tiny_mirror)


def test_mirror_without_the_file_names_the_nearest(tiny_mirror: Path, root: Path) -> None:
    with pytest.raises(DataError, match=r"does not have TUDataset/TINNY.zip.*nearest there is TINY.zip"):
        fetch(["TU:TINNY"], root, tiny_mirror)


def test_mirror_that_is_no_folder(tmp_path: Path, root: Path) -> None:
    with pytest.raises(DataError, match="is not a folder"):
        fetch(["NCI1"], root, tmp_path / "nowhere")


def test_all_names_are_checked_before_anything_is_fetched(tiny_mirror: Path, root: Path) -> None:
    with pytest.raises(UnknownNameError):
        fetch(["TU:TINY", "NOPE"], root, tiny_mirror)
    assert not root.exists()


def test_damaged_archive_leaves_what_was_there(tiny_mirror: Path, root: Path) -> None:
    fetch(["TU:TINY"], root, tiny_mirror)
    archive = tiny_mirror / "TUDataset" / "TINY.zip"
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(DataError, match="damaged or incomplete"):
        fetch(["TU:TINY"], root, tiny_mirror)
    assert load_dataset("TU:TINY", root).store.num_graphs == 20
    assert os.listdir(root / "TUDataset" / "TINY") == ["raw"]


def test_archive_with_a_damaged_set_is_not_installed(tiny_mirror: Path, root: Path) -> None:
    with zipfile.ZipFile(tiny_mirror / "TUDataset" / "TINY.zip", "w") as archive:
        archive.writestr("TINY/TINY_A.txt", "1, 2\n")
    with pytest.raises(DataError, match=r"TINY_graph_indicator\.txt is missing"):
        fetch(["TU:TINY"], root, tiny_mirror)
    assert os.listdir(root / "TUDataset") == []


def test_folder_that_cannot_be_written(tiny_mirror: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot use"):
        fetch(["TU:TINY"], tmp_path / "file", tiny_mirror)


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder(tiny_mirror: Path, root: Path) -> None:
    root.mkdir(mode=0o500)
    with pytest.raises(StorageError, match="Permission denied"):
        fetch(["TU:TINY"], root, tiny_mirror)


def test_tudataset_downloads_by_itself(
    tiny_mirror: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torch_geometric.datasets import TUDataset

    monkeypatch.setattr(TUDataset, "url", str(tiny_mirror / "TUDataset"))
    assert load_dataset("TU:TINY", root).store.num_graphs == 20
    assert sorted(path.name for path in (root / "TUDataset").iterdir()) == ["TINY", "TINY.safetensors"]


def test_zinc_downloads_by_itself(small_mirror: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch_geometric.datasets import ZINC

    monkeypatch.setattr(ZINC, "url", (small_mirror / "ZINC" / "molecules.zip").as_uri())
    monkeypatch.setattr(ZINC, "split_url", (small_mirror / "ZINC").as_uri() + "/{}.index")
    assert [row.origin for row in fetch(["ZINC"], root)] == ["download"]
    assert len(os.listdir(root / "ZINC" / "raw")) == 6
    assert os.listdir(root) == ["ZINC"]


def test_failed_download_says_how_to_use_a_mirror(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch_geometric.datasets import TUDataset

    monkeypatch.setattr(TUDataset, "url", str(root / "nowhere"))
    with pytest.raises(
        DataError, match=r"could not be downloaded .*rethinkpool data fetch TU:TINY --from DIR"
    ):
        load_dataset("TU:TINY", root)
    assert os.listdir(root / "TUDataset") == []
