"""Folders as users name them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rethinkpool_core.errors import UsageError
from rethinkpool_core.files.folders import data_root, expand_home


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expand_home("~/data") == data_root("~/data") == tmp_path / "data"
    assert expand_home("a/~") == Path("a/~")


@pytest.mark.parametrize("function", [expand_home, data_root])
def test_the_home_folder_of_nobody(function):
    with pytest.raises(
        UsageError, match=r"^~nobody-of-this-name/data starts with the home folder of no user"
    ):
        function("~nobody-of-this-name/data")
