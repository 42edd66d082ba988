from __future__ import annotations

from pathlib import Path

from rethinkpool_core.cli import main
from rethinkpool_core.datasets import list_datasets, load_dataset, verify
from rethinkpool_core.datasets.inventory import Verified

BUILT_IN = ["DIGITS", "RINGS-1", "RINGS-2", "RINGS-3"]


def of_tiny(root: Path) -> Verified:
    return next(row for row in verify(root) if row.name == "TU:TINY")


def test_list_says_what_is_present(tiny_root: Path) -> None:
    rows = {row.name: row for row in list_datasets(tiny_root)}
    assert rows["DIGITS"].present and rows["TU:TINY"].present and not rows["NCI1"].present
    assert (rows["MOLHIV"].graphs, rows["DIGITS"].graphs, rows["TU:TINY"].graphs) == (41127, 1797, None)
    assert rows["MOLHIV"].metric == "rocauc"


def test_list_does_not_guess_what_only_the_data_can_tell(tiny_root: Path) -> None:
    """A set of the user's own with targets for regression was listed as binary, under TU Dortmund's licence."""
    row = next(row for row in list_datasets(tiny_root) if row.name == "TU:TINY")
    assert (row.task, row.metric) == (None, None) and row.licence.startswith("not known")


def test_a_folder_whose_name_no_set_can_have_is_no_set(tiny_root: Path) -> None:
    """A copy as file managers make it, which ended both commands."""
    before = list_datasets(tiny_root)
    for name in ("TINY (copy)", ".TINY", "-"):
        (tiny_root / "TUDataset" / name / "raw").mkdir(parents=True)
    assert list_datasets(tiny_root) == before
    assert [row.name for row in verify(tiny_root)] == [row.name for row in before]


def test_list_of_a_root_that_does_not_exist(tmp_path: Path) -> None:
    assert [row.name for row in list_datasets(tmp_path / "nowhere") if row.present] == BUILT_IN
    assert not (tmp_path / "nowhere").exists()


def test_verify_absent_unpacked_and_packed(tiny_root: Path) -> None:
    assert next(row for row in verify(tiny_root) if row.name == "NCI1") == Verified("NCI1", "absent")
    assert of_tiny(tiny_root) == Verified("TU:TINY", "ok", "not packed yet")
    load_dataset("TU:TINY", tiny_root)
    assert of_tiny(tiny_root) == Verified("TU:TINY", "ok")


def test_verify_finds_a_damaged_raw_file(tiny_root: Path) -> None:
    (tiny_root / "TUDataset" / "TINY" / "raw" / "TINY_A.txt").unlink()
    row = of_tiny(tiny_root)
    assert (row.status, row.ok) == ("damaged", False)
    assert "TINY_A.txt is missing" in row.detail


def test_the_command_does_not_advise_a_fetch_that_changes_nothing(tiny_root: Path, capsys) -> None:
    (tiny_root / "TUDataset" / "TINY" / "raw" / "TINY_A.txt").unlink()
    assert main(["data", "verify", "--root", str(tiny_root)]) == 1
    assert f"remove the set from {tiny_root} and fetch or import it anew" in capsys.readouterr().err
    assert main(["data", "fetch", "TU:TINY", "--root", str(tiny_root)]) == 0
    assert "TU:TINY: present" in capsys.readouterr().out, "what is there is not fetched"


def test_verify_finds_a_raw_file_that_changed(tiny_root: Path) -> None:
    load_dataset("TU:TINY", tiny_root)
    labels = tiny_root / "TUDataset" / "TINY" / "raw" / "TINY_node_labels.txt"
    labels.write_text(labels.read_text().replace("1\n2\n4", "2\n1\n4", 1))
    assert of_tiny(tiny_root).status == "changed"


def test_verify_finds_a_damaged_packed_file(tiny_root: Path) -> None:
    load_dataset("TU:TINY", tiny_root)
    packed = tiny_root / "TUDataset" / "TINY.safetensors"
    packed.write_bytes(packed.read_bytes()[:-1])
    assert of_tiny(tiny_root).status == "damaged"
