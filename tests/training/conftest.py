"""Real but small data for training: the first graphs of DIGITS."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from threads import one_thread  # noqa: F401 - a fixture

from rethinkpool_core import build_model, load_dataset
from rethinkpool_core.datasets.storage.store import GraphStore
from rethinkpool_core.training import RunRecord, train


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def digits(data_folder):
    """``digits(n)``: a dataset of the first n graphs, with its checksum and a split of its own."""
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


@pytest.fixture(scope="session")
def assert_same():
    """Two records are of one run: all but the clock and the command agrees, numbers to ``tolerance``."""

    def check(a: RunRecord, b: RunRecord, tolerance: float = 0.0):
        a, b = a.to_dict(), b.to_dict()
        for record in (a, b):
            record["curves"] = {
                name: curve for name, curve in record["curves"].items() if name != "train_seconds"
            }
            del record["provenance"]
        assert _rounded_off(a, b, tolerance) is None

    return check


def _rounded_off(a, b, tolerance: float, where: str = "record") -> str | None:
    """Where two nested values differ by more than ``tolerance``; None if nowhere. NaN equals NaN here."""
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
    return next((found for path, x, y in pairs if (found := _rounded_off(x, y, tolerance, path))), None)


@pytest.fixture
def global_state():
    """A function that tells the state of every global generator that training could touch."""
    import random

    import numpy as np

    def state():
        kind, keys, *rest = np.random.get_state()
        return torch.get_rng_state().tolist(), (kind, keys.tolist(), *rest), random.getstate()

    return state
