"""One thread, as in the tests of training; a data folder of its own."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def data_folder(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("RETHINKPOOL_DATA", str(tmp_path_factory.getbasetemp() / "bench-data"))
