"""Raw files of ZINC, MOLHIV and SMNIST that are missing, damaged or hostile."""

from __future__ import annotations

import gzip
import os
import pickle
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from rethinkpool_core.datasets import load_dataset
from rethinkpool_core.datasets.sources.kernel_graph import kernel_graph
from rethinkpool_core.errors import DataError

ATOMS = 4


def molecule(**changes: torch.Tensor) -> dict[str, torch.Tensor]:
    bonds = torch.zeros(ATOMS, ATOMS, dtype=torch.uint8)
    bonds[0, 1] = bonds[1, 0] = 1
    return {
        "atom_type": torch.tensor([0, 1, 2, 27], dtype=torch.uint8),
        "bond_type": bonds,
        "logP_SA_cycle_normalized": torch.tensor([0.5]),
    } | changes


@pytest.fixture
def zinc(tmp_path: Path) -> Path:
    """The raw folder of a ZINC with three molecules a part."""
    raw = tmp_path / "ZINC" / "raw"
    raw.mkdir(parents=True)
    for part in ("train", "val", "test"):
        (raw / f"{part}.pickle").write_bytes(pickle.dumps([molecule()] * 3))
        (raw / f"{part}.index").write_text("0,1,2\n")
    return raw


def test_small_zinc_loads(zinc: Path) -> None:
    dataset = load_dataset("ZINC", zinc.parents[1])
    assert tuple(part.tolist() for part in (dataset.train, dataset.val, dataset.test)) == (
        [0, 1, 2],
        [3, 4, 5],
        [6, 7, 8],
    )
    assert (dataset.num_features, dataset.num_classes) == (28, 1)


class Evil:
    def __reduce__(self):
        return os.mkdir, (os.environ["EVIL"],)


@pytest.mark.parametrize("hidden", [False, True], ids=["plain", "inside a tensor's storage"])
def test_pickle_that_would_run_code_is_refused(
    zinc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hidden: bool
) -> None:
    monkeypatch.setenv("EVIL", str(tmp_path / "evil"))
    content = pickle.dumps([Evil()])
    if hidden:
        content = pickle.dumps([Storage(content)])
    (zinc / "val.pickle").write_bytes(content)
    with pytest.raises(DataError, match=r"val\.pickle or its index is damaged"):
        load_dataset("ZINC", zinc.parents[1])
    assert not (tmp_path / "evil").exists()


class Storage:
    """Unpickles through the function by which torch loads a storage, which would unpickle again."""

    def __init__(self, content: bytes):
        self.content = content

    def __reduce__(self):
        return torch.storage._load_from_bytes, (self.content,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"atom_type": torch.tensor([0, 1, 2, 28])}, "molecule 0 has an atom type outside 0 to 27"),
        ({"bond_type": torch.zeros(3, 4)}, r"molecule 0 has 4 atoms, bonds of shape \(3, 4\)"),
        ({"logP_SA_cycle_normalized": torch.tensor([torch.nan])}, "y holds a number that is not finite"),
    ],
)
def test_molecule_out_of_range(zinc: Path, changes: dict[str, torch.Tensor], message: str) -> None:
    (zinc / "train.pickle").write_bytes(pickle.dumps([molecule(**changes), molecule(), molecule()]))
    with pytest.raises(DataError, match=message):
        load_dataset("ZINC", zinc.parents[1])


@pytest.mark.parametrize(
    ("text", "message"), [("0,1,3", "names molecule 3 of 3"), ("0,0,1", "repeats"), ("", "damaged")]
)
def test_zinc_index_is_checked(zinc: Path, text: str, message: str) -> None:
    (zinc / "test.index").write_text(text + "\n")
    with pytest.raises(DataError, match=message):
        load_dataset("ZINC", zinc.parents[1])


def test_zinc_without_a_file(zinc: Path) -> None:
    (zinc / "test.index").unlink()
    with pytest.raises(DataError, match=r"test\.index is missing"):
        load_dataset("ZINC", zinc.parents[1])


@pytest.fixture
def molhiv(small_root: Callable[[str], Path], tmp_path: Path) -> Path:
    shutil.copytree(small_root("MOLHIV") / "ogb" / "ogbg_molhiv", tmp_path / "ogb" / "ogbg_molhiv")
    return tmp_path / "ogb" / "ogbg_molhiv"


@pytest.mark.parametrize("name", ["RELEASE_v1.txt", "raw/edge.csv.gz", "split/scaffold/valid.csv.gz"])
def test_molhiv_without_a_file_asks_nothing(molhiv: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr("builtins.input", lambda prompt="": pytest.fail("the loader asked on stdin"))
    (molhiv / name).unlink()
    with pytest.raises(DataError, match=f"{name} is missing"):
        load_dataset("MOLHIV", molhiv.parents[1])


def test_molhiv_table_that_is_cut_off(molhiv: Path) -> None:
    table = molhiv / "raw" / "node-feat.csv.gz"
    table.write_bytes(table.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"node-feat\.csv\.gz is damaged or incomplete"):
        load_dataset("MOLHIV", molhiv.parents[1])


def test_molhiv_split_that_repeats_a_molecule(molhiv: Path) -> None:
    table = molhiv / "split" / "scaffold" / "valid.csv.gz"
    lines = gzip.decompress(table.read_bytes()).decode().splitlines()
    table.write_bytes(gzip.compress("\n".join([lines[1], *lines[1:]]).encode()))
    with pytest.raises(DataError, match="does not name each of 10 graphs exactly once"):
        load_dataset("MOLHIV", molhiv.parents[1])


def test_ogb_is_imported_without_its_network_check() -> None:
    import subprocess

    code = (
        "import threading, sys; from rethinkpool_core.datasets.sources.ogb import import_ogb_quietly;"
        "import_ogb_quietly();"
        "import ogb.version as v; assert v.check_outdated is None; assert 'outdated' not in sys.modules;"
        "assert threading.active_count() == 1"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def arrays(**changes: np.ndarray) -> dict[str, np.ndarray]:
    nodes = 50
    generator = np.random.default_rng(0)
    return {
        "x": generator.random(nodes).astype(np.float16),
        "pos": generator.integers(0, 65536, (nodes, 2)).astype(np.uint16),
        "ptr": np.array([0, 12, 24, 36, 50], dtype=np.int32),
        "y": np.array([3, 1, 4, 9], dtype=np.uint8),
        "split": np.array([1, 0, 0, 2], dtype=np.uint8),
    } | changes


@pytest.fixture
def smnist(tmp_path: Path) -> Path:
    (tmp_path / "SMNIST").mkdir()
    np.savez_compressed(tmp_path / "SMNIST" / "superpixels.npz", **arrays())
    return tmp_path / "SMNIST" / "superpixels.npz"


def test_small_smnist_loads(smnist: Path) -> None:
    dataset = load_dataset("SMNIST", smnist.parents[1])
    assert tuple(part.tolist() for part in (dataset.train, dataset.val, dataset.test)) == ([1, 2], [0], [3])
    assert dataset.store.num_edges.tolist() == [96, 96, 96, 112]
    expected = torch.from_numpy(arrays()["pos"] / 65535).float()
    assert torch.equal(dataset.store.x[:, 1:].float(), expected)
    edge_index, _ = kernel_graph(torch.from_numpy(arrays()["pos"] / 65535), dataset.store.num_nodes)
    assert torch.equal(dataset.store.edge_index, edge_index.to(torch.int16))


@pytest.mark.parametrize(
    "changes",
    [
        {"ptr": np.array([0, 12, 24, 36, 49])},
        {"ptr": np.array([0, 12, 12, 36, 50])},
        {"ptr": np.array([0, 24, 12, 36, 50])},
        {"split": np.array([0, 1, 2, 3], dtype=np.uint8)},
        {"y": np.array([1, 2, 3], dtype=np.uint8)},
        {"pos": np.zeros(50, dtype=np.uint16)},
    ],
)
def test_superpixels_that_do_not_fit(smnist: Path, changes: dict[str, np.ndarray]) -> None:
    np.savez_compressed(smnist, **arrays(**changes))
    with pytest.raises(DataError, match=r"superpixels\.npz is damaged"):
        load_dataset("SMNIST", smnist.parents[1])


def test_superpixels_cut_off(smnist: Path) -> None:
    smnist.write_bytes(smnist.read_bytes()[:-40])
    with pytest.raises(DataError, match="damaged or incomplete"):
        load_dataset("SMNIST", smnist.parents[1])


def test_superpixels_without_an_array(smnist: Path) -> None:
    content = arrays()
    del content["y"]
    np.savez_compressed(smnist, **content)
    with pytest.raises(DataError, match="damaged or incomplete"):
        load_dataset("SMNIST", smnist.parents[1])


def test_smnist_folder_without_a_known_file(smnist: Path) -> None:
    smnist.unlink()
    with pytest.raises(DataError, match="not a complete SMNIST"):
        load_dataset("SMNIST", smnist.parents[1])


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*is deprecated")
def test_smnist_downloads_pygs_copy_of_the_benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch_geometric.datasets import GNNBenchmarkDataset

    def graph(label: int) -> dict[str, torch.Tensor]:
        return {
            "x": torch.full((3, 1), label / 10),
            "pos": torch.rand(3, 2),
            "edge_index": torch.tensor([[2, 0, 1], [0, 1, 2]]),
            "y": torch.tensor([label]),
        }

    train, val, test = [graph(1), graph(2)], [graph(3), graph(4)], [graph(5), graph(6)]
    torch.save((train, val, test), tmp_path / "MNIST_v2.pt")
    with zipfile.ZipFile(tmp_path / "MNIST_v2.zip", "w") as archive:
        archive.write(tmp_path / "MNIST_v2.pt", "MNIST_v2.pt")
    monkeypatch.setitem(GNNBenchmarkDataset.urls, "MNIST", (tmp_path / "MNIST_v2.zip").as_uri())
    dataset = load_dataset("SMNIST", tmp_path / "root")
    assert dataset.store.y.tolist() == [3, 4, 1, 2, 5, 6]
    assert [part.tolist() for part in (dataset.val, dataset.train, dataset.test)] == [[0, 1], [2, 3], [4, 5]]
    assert dataset.store.graph(0)[1].tolist() == [[0, 1, 2], [1, 2, 0]]
    assert torch.equal(dataset.store.graph(0)[0].float()[:, 1:], val[0]["pos"])
