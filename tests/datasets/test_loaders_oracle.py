"""The packed graphs against the Data objects that PyG's and OGB's loaders hand out."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from rethinkpool_core.datasets import GraphDataset, load_dataset
from rethinkpool_core.datasets.features import encode

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit.script.*is deprecated"),
    pytest.mark.filterwarnings("ignore:The given NumPy array is not writable"),
]

Root = Callable[[str], Path]


def assert_same_graph(dataset: GraphDataset, index: int, data) -> None:
    x, edge_index, edge_attr, y = dataset.store.graph(index)
    edges = sorted(
        zip(*data.edge_index.tolist(), *(() if edge_attr is None else data.edge_attr.T.tolist()), strict=True)
    )
    columns = [*edge_index.tolist(), *([] if edge_attr is None else edge_attr.T.tolist())]
    assert list(zip(*columns, strict=True)) == edges
    assert y == data.y.reshape(())
    assert torch.equal(encode(x, dataset), data.x)


@pytest.fixture(params=["small_root", pytest.param("whole_root", marks=pytest.mark.slow)])
def root(request: pytest.FixtureRequest) -> Root:
    """The committed graphs, then the whole set."""
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("name", ["NCI1", "PROTEINS"])
def test_tu_graphs_are_those_of_tudataset(root: Root, tmp_path: Path, name: str) -> None:
    from torch_geometric.datasets import TUDataset

    root = root(name)
    dataset = load_dataset(name, root)
    shutil.copytree(root / "TUDataset" / name / "raw", tmp_path / name / "raw")
    oracle = TUDataset(str(tmp_path), name)
    assert len(oracle) == dataset.store.num_graphs
    for index in range(0, len(oracle), 7 if len(oracle) > 100 else 1):
        assert_same_graph(dataset, index, oracle[index])


def test_imdb_nodes_get_ten_ones(whole_root: Root) -> None:
    dataset = load_dataset("IMDB-B", whole_root("IMDB-B"))
    assert torch.equal(encode(dataset.store.graph(0)[0], dataset), torch.ones(20, 10))


def test_molhiv_graphs_and_split_are_ogbs(root: Root, tmp_path: Path) -> None:
    from rethinkpool_core.datasets.sources.ogb import _loads_its_own_file, import_ogb_quietly

    import_ogb_quietly()
    from ogb.graphproppred import PygGraphPropPredDataset

    root = root("MOLHIV")
    dataset = load_dataset("MOLHIV", root)
    shutil.copytree(root / "ogb" / "ogbg_molhiv", tmp_path / "ogbg_molhiv")
    with _loads_its_own_file():
        oracle = PygGraphPropPredDataset("ogbg-molhiv", root=str(tmp_path))
    assert len(oracle) == dataset.store.num_graphs
    for index in range(0, len(oracle), 97 if len(oracle) > 100 else 1):
        assert_same_graph(dataset, index, oracle[index])
    split = oracle.get_idx_split()
    assert all(torch.equal(getattr(dataset, ours), split[theirs]) for ours, theirs in
               (("train", "train"), ("val", "valid"), ("test", "test")))  # fmt: skip


def test_molhiv_node_features_are_the_rows_of_the_csv(root: Root) -> None:
    root = root("MOLHIV")
    dataset = load_dataset("MOLHIV", root)
    with gzip.open(root / "ogb" / "ogbg_molhiv" / "raw" / "node-feat.csv.gz", "rt") as file:
        rows = np.loadtxt(file, dtype=np.int64, delimiter=",", max_rows=5000)
    assert torch.equal(encode(dataset.store.x[:5000], dataset), torch.from_numpy(rows))


@pytest.mark.slow
def test_molhiv_has_the_published_split(whole_root: Root) -> None:
    dataset = load_dataset("MOLHIV", whole_root("MOLHIV"))
    parts = (dataset.train, dataset.val, dataset.test)
    assert [(len(part), int(dataset.store.y[part].sum())) for part in parts] == [
        (32901, 1232),
        (4113, 81),
        (4113, 130),
    ]


def test_zinc_graphs_are_pygs_in_the_published_parts(root: Root, tmp_path: Path) -> None:
    from torch_geometric.datasets import ZINC

    root = root("ZINC")
    dataset = load_dataset("ZINC", root)
    shutil.copytree(root / "ZINC" / "raw", tmp_path / "raw")
    sizes = (4, 3, 3) if dataset.store.num_graphs == 10 else (10000, 1000, 1000)
    for part, size in zip(("train", "val", "test"), sizes, strict=True):
        indices = getattr(dataset, part).tolist()
        oracle = ZINC(str(tmp_path), subset=True, split=part)
        assert len(indices) == len(oracle) == size
        for position in range(0, size, 83 if size > 100 else 1):
            x, edge_index, _, y = dataset.store.graph(indices[position])
            data = oracle[position]
            assert torch.equal(x.long(), data.x)
            assert torch.equal(edge_index.long(), data.edge_index)
            assert y == data.y.item()


def test_digits_pixels_are_the_images(tmp_path: Path) -> None:
    from sklearn.datasets import load_digits

    digits = load_digits()
    dataset = load_dataset("DIGITS", tmp_path)
    assert dataset.store.y.tolist() == digits.target.tolist()
    for index in (0, 5, 1796):
        x = encode(dataset.store.graph(index)[0], dataset)
        image = torch.zeros(8, 8)
        image[(x[:, 1] * 8).long(), (x[:, 2] * 8).long()] = x[:, 0] * 16
        assert torch.equal(image, torch.from_numpy(digits.images[index]).float())
