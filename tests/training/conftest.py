"""Small real data for training, the first graphs of DIGITS, and what the tests of training share."""

from __future__ import annotations

import math
import random
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch
from threads import one_thread  # noqa: F401 - a fixture

from rethinkpool_core import build_model, load_dataset
from rethinkpool_core.datasets.storage.store import GraphStore
from rethinkpool_core.errors import RethinkPoolError
from rethinkpool_core.training import RunRecord, train, trainer


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def digits(data_folder):
    """``digits(n)``: the dataset of the first n graphs of DIGITS, with a checksum and a split of its own."""
    whole = load_dataset("DIGITS", data_folder)

    def cut(graphs: int):
        store, nodes, edges = whole.store, whole.store.node_offsets[graphs], whole.store.edge_offsets[graphs]
        offsets = store.node_offsets[: graphs + 1], store.edge_offsets[: graphs + 1]
        store = GraphStore(store.x[:nodes], store.edge_index[:, :edges], None, store.y[:graphs], *offsets)
        return replace(whole, store=store, checksum=store.digest()).with_split(0)

    return cut


@pytest.fixture(scope="session")
def run():
    """``run(name, dataset, seeds, model={...}, **options)``: train in float64, quietly, on the CPU."""

    def train_double(name, dataset, seeds=(1,), *, model=None, **options):
        options = {"device": "cpu", "progress": False} | options
        return train(build_model(name, dataset, **(model or {})).double(), dataset, list(seeds), **options)

    return train_double


@pytest.fixture
def interrupted(monkeypatch, run):
    """``interrupted(n, ...)``: train as ``run`` until training asks for the n-th time whether to stop; whether it was stopped."""

    def train_until(n, *args, **options):
        times = 0

        @contextmanager
        def requests():
            def stop_requested():
                nonlocal times
                times += 1
                return times >= n

            yield stop_requested

        with monkeypatch.context() as patch:
            patch.setattr(trainer, "stop_requests", requests)
            try:
                run(*args, **options)
            except KeyboardInterrupt:
                return True
            return False

    return train_until


@pytest.fixture(scope="session")
def sentence():
    """``sentence(error, *words)``: the message of ``pytest.raises`` is one sentence with these words."""

    def check(error: pytest.ExceptionInfo[RethinkPoolError], *words: str) -> None:
        text = str(error.value)
        assert "\n" not in text and not text.endswith(".") and len(text) < 600
        assert all(word in text for word in words), text

    return check


@pytest.fixture(scope="session")
def assert_same():
    """``assert_same(a, b, tolerance=0)``: records of the same run, apart from times and the command; NaN equals NaN."""

    def check(a: RunRecord, b: RunRecord, tolerance: float = 0.0):
        a, b = a.to_dict(), b.to_dict()
        for record in (a, b):
            record["curves"] = {
                name: curve for name, curve in record["curves"].items() if name != "train_seconds"
            }
            del record["provenance"]
        assert _difference(a, b, tolerance) is None

    return check


def _difference(a, b, tolerance: float, where: str = "record") -> str | None:
    """The first place where two nested values differ by more than ``tolerance``; None if there is none."""
    if isinstance(a, dict) and isinstance(b, dict):
        if a.keys() != b.keys():
            return f"{where}: {sorted(a)} and {sorted(b)}"
        pairs = [(f"{where}.{key}", a[key], b[key]) for key in a]
    elif isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            return f"{where}: {len(a)} and {len(b)} entries"
        pairs = [(f"{where}[{i}]", x, y) for i, (x, y) in enumerate(zip(a, b, strict=True))]
    elif isinstance(a, float) and isinstance(b, float):
        same = math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance) or (math.isnan(a) and math.isnan(b))
        return None if same else f"{where}: {a!r} and {b!r}"
    else:
        return None if a == b else f"{where}: {a!r} and {b!r}"
    return next((found for path, x, y in pairs if (found := _difference(x, y, tolerance, path))), None)


@pytest.fixture
def global_state():
    """A function that returns the state of every global random generator that training could use."""

    def state():
        kind, keys, *rest = np.random.get_state()
        return torch.get_rng_state().tolist(), (kind, keys.tolist(), *rest), random.getstate()

    return state
