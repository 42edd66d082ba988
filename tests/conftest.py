"""Fixtures for all tests; the graphs are in `graphs`."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import settings
from small_graphs import dataset_of, named_graphs, store_of

from rethinkpool_core.batching.batch import BatchBuilder
from rethinkpool_core.datasets.dataset import GraphDataset
from rethinkpool_core.datasets.fetch import fetch
from rethinkpool_core.models import registry

settings.register_profile(
    "untimed", deadline=None
)  # a test that fails on a busy machine says nothing about the code
settings.load_profile("untimed")

SHARED = Path(__file__).resolve().parents[2] / "shared"
REAL_GRAPHS = Path(__file__).resolve().parent / "real_graphs"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests of the built site first: one worker of pytest-xdist builds it, while the others steal what it has queued."""
    items.sort(key=lambda item: not {"site", "executed"} & set(item.fixturenames))


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Every test draws the same numbers, alone and among others."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture
def own_models(monkeypatch):
    """What a test registers is forgotten after it."""
    registry.methods_and_twins()  # so that the built-in models are there before the copy
    monkeypatch.setattr(registry, "_REGISTERED", dict(registry._REGISTERED))


@dataclass
class Small:
    dataset: GraphDataset

    def batch(self, index=None, dtype=torch.float64, **options):
        index = self.dataset.train if index is None else torch.as_tensor(index)
        return BatchBuilder(self.dataset, dtype=dtype)(index, **options)


@pytest.fixture
def small() -> Small:
    """The named graphs with features of width 3 and two classes."""
    return Small(dataset_of(store_of(list(named_graphs().values()))))


@pytest.fixture
def molecules() -> Small:
    """The same graphs as molecules of OGB."""
    return Small(dataset_of(store_of(list(named_graphs().values()), molecules=True), like="MOLHIV"))


@pytest.fixture
def digraphs() -> Small:
    """Directed graphs, as nearest-neighbour graphs are."""
    graphs = [nx.gnp_random_graph(n, 0.4, seed=n, directed=True) for n in (3, 5, 8, 9)]
    return Small(dataset_of(store_of(graphs)))


@pytest.fixture(scope="session")
def mirror() -> Path:
    """A mirror of the whole sets, beside the project."""
    if not (SHARED / "data").is_dir():
        pytest.skip("the whole datasets are not beside the project (../shared/data)")
    return SHARED / "data"


@pytest.fixture(scope="session")
def small_mirror() -> Path:
    """A mirror of ten graphs each of NCI1, PROTEINS, ZINC and MOLHIV, which is committed."""
    return REAL_GRAPHS


@pytest.fixture(scope="session")
def whole_root(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """``whole_root(name)`` is a data root with the raw files of the whole set, shared by the session."""
    return _fetched(request.getfixturevalue("mirror"), tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="session")
def small_root(small_mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The same with the committed graphs."""
    return _fetched(small_mirror, tmp_path_factory.mktemp("small"))


def _fetched(mirror: Path, root: Path) -> Callable[[str], Path]:
    @cache
    def get(name: str) -> Path:
        fetch([name], root, mirror)
        return root

    return get
