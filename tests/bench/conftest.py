"""One thread, as in the tests of training; a data folder of its own."""

from __future__ import annotations

import pytest
from threads import one_thread  # noqa: F401 - a fixture


@pytest.fixture(autouse=True)
def data_folder(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("RETHINKPOOL_DATA", str(tmp_path_factory.getbasetemp() / "bench-data"))
