"""Archives that try to leave the folder, or are not whole."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

import pytest

from rethinkpool_core.errors import DataError, StorageError
from rethinkpool_core.files.archive import unpack_folder, unpack_zip


def write_zip(path: Path, *members: tuple[str | zipfile.ZipInfo, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members:
            archive.writestr(member, content)
    return path


def special(name: str, kind: int) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = (kind | 0o777) << 16
    return member


def test_unpacks_files_and_folders(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", ("SET/", ""), ("SET/a.txt", "one"), ("SET/deep/b.txt", "two"))
    unpack_folder(archive, "SET", tmp_path / "out")
    assert (tmp_path / "out" / "deep" / "b.txt").read_text() == "two"
    assert sorted(os.listdir(tmp_path)) == ["a.zip", "out"]


@pytest.mark.parametrize(
    "member",
    ["/etc/evil", "../evil", "SET/../../evil", "..\\evil", "C:/evil", "\\\\host\\evil"],
)
def test_member_that_leaves_the_folder_is_refused(tmp_path: Path, member: str) -> None:
    archive = write_zip(tmp_path / "a.zip", ("SET/good.txt", "good"), (member, "evil"))
    with pytest.raises(DataError, match="outside the target folder"):
        unpack_zip(archive, tmp_path / "out")
    assert os.listdir(tmp_path) == ["a.zip"]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_link_or_special_file_is_refused(tmp_path: Path, kind: int) -> None:
    archive = write_zip(tmp_path / "a.zip", (special("SET/link", kind), "/etc/passwd"))
    with pytest.raises(DataError, match="link or a special file"):
        unpack_zip(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_member_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", ("SET/a", "one"), ("SET/a", "two"))
    with pytest.raises(DataError, match="occurs twice"):
        unpack_zip(archive, tmp_path / "out")


@pytest.mark.parametrize("names", [("SET/a", "SET/A/b"), ("SET/a/b/c", "SET/a")])
def test_member_inside_a_file_is_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    archive = write_zip(tmp_path / "a.zip", *((name, "text") for name in names))
    with pytest.raises(DataError, match="inside another member, which is a file"):
        unpack_zip(archive, tmp_path / "out")
    assert os.listdir(tmp_path) == ["a.zip"]


def test_encrypted_member_is_refused(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", ("SET/a", "one"))
    content = bytearray(archive.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + flags] |= 1
    archive.write_bytes(content)
    with pytest.raises(DataError, match="is encrypted"):
        unpack_zip(archive, tmp_path / "out")


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.99])
def test_truncated_archive_is_refused(tmp_path: Path, kept: float) -> None:
    archive = write_zip(tmp_path / "a.zip", ("SET/a", "".join(map(str, range(5000)))))
    archive.write_bytes(archive.read_bytes()[: int(kept * archive.stat().st_size)])
    with pytest.raises(DataError, match="damaged or incomplete"):
        unpack_folder(archive, "SET", tmp_path / "out")
    assert os.listdir(tmp_path) == ["a.zip"]


def test_changed_content_is_refused(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", ("SET/a", "".join(map(str, range(5000)))))
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(DataError, match="damaged or incomplete"):
        unpack_folder(archive, "SET", tmp_path / "out")
    assert os.listdir(tmp_path) == ["a.zip"]


def test_archive_of_another_set_is_refused(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", ("OTHER/a", "one"))
    with pytest.raises(DataError, match="holds no folder SET/"):
        unpack_folder(archive, "SET", tmp_path / "out")


def test_more_than_the_disk_holds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = write_zip(tmp_path / "a.zip", ("SET/a", "one"))
    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage)
    with pytest.raises(StorageError, match="free some space"):
        unpack_folder(archive, "SET", tmp_path / "out")
    assert os.listdir(tmp_path) == ["a.zip"]


class Usage:
    """A disk with one byte left."""

    free = 1
