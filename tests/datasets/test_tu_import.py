"""A reader's own dataset in TU layout: a folder or a zip in the place of a dataset's name."""

from __future__ import annotations

import zipfile
from pathlib import Path

import networkx as nx
import pytest
import torch
from tu_files import write_tu, write_tu_mirror

from rethinkpool_core.cli import main
from rethinkpool_core.datasets import list_datasets, load_dataset
from rethinkpool_core.datasets.tu_import import import_tu, is_path, name_in
from rethinkpool_core.errors import DataError, UsageError
from rethinkpool_core.experiments.grid_file import read_grid
from rethinkpool_core.experiments.run import run_grid

GRAPHS = [nx.path_graph(3 + number % 3) for number in range(20)]
CLASSES = [number % 2 for number in range(20)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tu(tmp_path / "graphs" / "MINE", "MINE", GRAPHS, CLASSES)
    return tmp_path / "graphs" / "MINE"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    write_tu_mirror(tmp_path / "mirror", "MINE", GRAPHS, CLASSES)
    return tmp_path / "mirror" / "TUDataset" / "MINE.zip"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


def left_behind(root: Path) -> list[str]:
    return [path.name for path in root.glob("TUDataset/*")]


@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_it_is_the_dataset_that_its_files_are(kind, request, root, tiny_root):
    dataset = load_dataset(import_tu(request.getfixturevalue(kind), root), root)
    assert dataset.name == "TU:MINE" and dataset.max_nodes == 5
    tiny = load_dataset("TU:TINY", tiny_root).store
    for name, tensor in tiny.tensors().items():
        assert torch.equal(tensor, dataset.store.tensors()[name])


def test_files_may_lie_at_the_top_of_a_zip_or_two_folders_down(folder, tmp_path, root):
    for number, inside in enumerate(("", "MINE/raw/")):
        path = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(path, "w") as opened:
            for file in folder.iterdir():
                opened.write(file, f"{inside}{file.name}")
        assert import_tu(path, root, f"ZIP{number}") == f"TU:ZIP{number}"
        assert len(load_dataset(f"TU:ZIP{number}", root)) == 20


def test_another_name(folder, root):
    assert import_tu(folder, root, "OTHER") == "TU:OTHER"
    assert len(load_dataset("TU:OTHER", root)) == 20 and left_behind(root)[0].startswith("OTHER")


def test_importing_the_same_files_again_changes_nothing(folder, root):
    import_tu(folder, root)
    (raw,) = root.glob("TUDataset/MINE/raw/MINE_A.txt")
    before = raw.stat().st_mtime_ns
    assert import_tu(folder, root) == "TU:MINE" and raw.stat().st_mtime_ns == before


def test_another_set_of_that_name_stays(folder, root):
    import_tu(folder, root)
    labels = folder / "MINE_graph_labels.txt"
    labels.write_text(labels.read_text().replace("0\n1", "1\n0", 1))
    with pytest.raises(DataError, match=r"another set TU:MINE in .* --name NAME"):
        import_tu(folder, root)
    assert load_dataset("TU:MINE", root).store.y[:2].tolist() == [0, 1]


def test_what_is_a_path():
    assert all(map(is_path, ["graphs/MINE", "./MINE", "MINE.zip", "~/MINE"]))
    assert not any(map(is_path, ["PROTEINS", "TU:MUTAG", "TU:a/b", "PROTEINZ"]))


def test_a_folder_named_like_a_dataset_is_not_taken_for_it(tmp_path, monkeypatch):
    for name in ("PROTEINS", "MINE"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    assert is_path("MINE") and not is_path("PROTEINS")


def nothing(path: Path) -> None:
    (path / "MINE_A.txt").unlink()


def two(path: Path) -> None:
    (path / "TOO_A.txt").write_text("1, 2\n")


def no_labels(path: Path) -> None:
    (path / "MINE_graph_labels.txt").unlink()


def outside(path: Path) -> None:
    (path / "MINE_A.txt").write_text("1, 999\n")


def not_a_number(path: Path) -> None:
    (path / "MINE_node_labels.txt").unlink()
    (path / "MINE_node_attributes.txt").write_text("nan\n" * sum(map(len, GRAPHS)))


def words(path: Path) -> None:
    (path / "MINE_node_labels.txt").unlink()
    (path / "MINE_node_attributes.txt").write_text("red\n" * sum(map(len, GRAPHS)))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (nothing, "has no files NAME_A.txt"),
        (two, r"has 2 files NAME_A.txt \(MINE_A.txt, TOO_A.txt\)"),
        (no_labels, "MINE_graph_labels.txt is missing"),
        (outside, "line 1 of MINE_A.txt names a node outside 1 to 79"),
        (not_a_number, "x holds a number that is not finite"),
        (words, "was not imported, .*red"),
    ],
)
def test_files_that_cannot_be_used_leave_nothing_behind(spoil, said, folder, root):
    spoil(folder)
    with pytest.raises(DataError, match=said) as caught:
        import_tu(folder, root)
    assert "\n" not in str(caught.value) and "fetch" not in str(caught.value)
    assert str(folder) in str(caught.value) and not left_behind(root)


def test_two_graphs_cannot_be_split(tmp_path, root):
    write_tu(tmp_path / "FEW", "FEW", GRAPHS[:2], [0, 1])
    with pytest.raises(DataError, match="2 graphs cannot be split"):
        import_tu(tmp_path / "FEW", root)
    assert not left_behind(root)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a/b", "cannot be named 'a/b'"),
        ("", "cannot be named ''"),
        ("PROTEINS", "is the published set PROTEINS"),
    ],
)
def test_names_that_cannot_be_used(name, said, folder, root):
    with pytest.raises(UsageError, match=said):
        import_tu(folder, root, name)
    assert not left_behind(root)


def test_no_such_path_and_no_zip(tmp_path, root):
    with pytest.raises(DataError, match=r"there is no .*nowhere"):
        import_tu(tmp_path / "nowhere", root)
    (tmp_path / "text.zip").write_text("text")
    with pytest.raises(DataError, match="neither a folder nor a zip"):
        import_tu(tmp_path / "text.zip", root)


def test_import_and_train_on_the_command_line(folder, archive, root, capsys):
    assert main(["data", "import", str(archive), "--name", "ZIPPED", "--root", str(root)]) == 0
    said = "TU:ZIPPED: 20 graphs, binary, scored by accuracy, node features one_hot"
    assert said in capsys.readouterr().out
    options = ["--seeds", "1", "--max-epochs", "1", "--device", "cpu", "--root", str(root)]
    assert main(["train", "N-MINCUTPOOL", str(folder), *options]) == 0
    assert "N-MINCUTPOOL on TU:MINE" in capsys.readouterr().out
    assert {"TU:MINE", "TU:ZIPPED"} <= {row.name for row in list_datasets(root) if row.present}


def test_statistics_of_a_path(folder, root, capsys):
    assert main(["data", "stats", str(folder), "--root", str(root)]) == 0
    assert "TU:MINE" in capsys.readouterr().out


def test_a_bad_path_on_the_command_line_is_one_sentence(tmp_path, capsys):
    assert main(["train", "GMN", f"{tmp_path}/nowhere", "--seeds", "1"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


GRID = """\
seeds = [1]
[[cells]]
models = ["N-MINCUTPOOL"]
datasets = ["MINE", "../mirror/TUDataset/MINE.zip"]
max_epochs = 1
"""


def test_a_path_in_a_grid_file_is_relative_to_the_file(folder, archive, root, tmp_path, monkeypatch):
    file = folder.parent / "mine.toml"
    file.write_text(GRID.replace('"MINE"', '"./MINE"'))
    grid = read_grid(file)
    assert [cell.dataset for cell in grid.cells] == ["TU:MINE"] and len(grid.own_data) == 2
    assert not root.exists(), "reading a grid imports nothing"
    report = run_grid(grid, tmp_path / "store", root=str(root), workers=1, device="cpu", progress=False)
    assert report.trained == 1 and not report.failures
    assert (root / "TUDataset" / "MINE" / "raw").is_dir()


def test_a_path_without_a_set_in_a_grid_file_names_the_line(tmp_path):
    (tmp_path / "mine.toml").write_text(GRID.replace('"MINE", ', ""))
    with pytest.raises(UsageError, match=r"line 4 of .*mine.toml: there is no "):
        read_grid(tmp_path / "mine.toml")


def test_the_name_of_what_is_in_a_path(folder, archive):
    assert name_in(folder) == name_in(archive) == "TU:MINE"
