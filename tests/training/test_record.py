"""Run records: their content, and the way to JSON and back."""

from __future__ import annotations

import json
import math

import pytest
import torch
from safetensors.torch import save_file

from rethinkpool_core.errors import DataError, StorageError, UsageError
from rethinkpool_core.training import RunRecord
from rethinkpool_core.training.provenance import command

AUXILIARY = {
    "MINCUTPOOL": {"cut", "orthogonality"},
    "DIFFPOOL": {"link", "entropy"},
    "GMN": {"purity", "memory 1 purity", "memory 1 distance from uniform"},
    "N-MINCUTPOOL": set(),
    "GRACLUS": set(),
    "DISTANCE-GMN": set(),
}


@pytest.fixture
def record(digits, run):
    return run("MINCUTPOOL", digits(60), [5], max_epochs=3, batch_size=20)[0]


@pytest.mark.parametrize("name", AUXILIARY)
def test_curves(name, digits, run):
    model = {"purity_period": 2} if name == "GMN" else {}
    (record,) = run(name, digits(60), [5], model=model, max_epochs=3, batch_size=24)
    usual = {"train_loss", "val_loss", "val_score", "lr", "train_seconds"}
    assert record.curves.keys() == usual | AUXILIARY[name]
    assert {len(curve) for curve in record.curves.values()} == {record.epochs} == {3}
    for key, curve in record.curves.items():
        assert all(type(value) is float for value in curve)
        # GMN computes its purity loss in every second epoch here.
        assert [math.isfinite(value) for value in curve] == [key != "purity" or e % 2 == 0 for e in (1, 2, 3)]
    assert all(seconds > 0 for seconds in record.curves["train_seconds"])


def test_content(record):
    assert (record.model, record.dataset, record.seed, record.metric, record.error) == (
        "MINCUTPOOL",
        "DIGITS",
        5,
        "accuracy",
        None,
    )
    assert 1 <= record.best_epoch <= record.epochs
    assert record.config["training"]["batch_size"] == 20 and record.config["training"]["clip_norm"] == 2.0
    assert record.config["model"]["hidden_dim"] == 32
    assert record.config["max_epochs"] == 3


def test_provenance(record, digits):
    provenance = record.provenance
    assert {"versions", "device", "machine", "dataset_checksum", "commit", "command"} <= provenance.keys()
    assert provenance["versions"]["torch"] == torch.__version__
    assert provenance["dataset_checksum"] == digits(60).checksum
    assert provenance["device"].startswith("cpu")


def test_to_json_and_back(record):
    again = RunRecord.from_dict(json.loads(record.to_json()))
    assert again == record
    assert again.weights is None and record.weights is not None
    assert RunRecord.from_dict(record.to_dict()) == record
    assert "weights" not in record.to_dict()


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (
            {"test_score": 0.74212, "val_score": 0.7543, "best_epoch": 41, "epochs": 91},
            "RunRecord(GMN on NCI1, seed 3: test accuracy 0.7421, validation 0.7543, best epoch 41 of 91)",
        ),
        (
            {"epochs": 2, "error": "train_loss became nan"},
            "RunRecord(GMN on NCI1, seed 3: 2 epochs, failed: train_loss became nan)",
        ),
        ({"stopped": True}, "RunRecord(GMN on NCI1, seed 3: 0 epochs, stopped early)"),
    ],
)
def test_repr_is_one_line(values, text):
    assert repr(RunRecord("GMN", "NCI1", 3, "accuracy", **values)) == text


def test_dict_is_a_copy(record):
    record.to_dict()["curves"]["lr"].append(1.0)
    assert len(record.curves["lr"]) == 3


def test_failed_run_to_json_and_back(digits, run):
    (record,) = run("MINCUTPOOL", digits(60), [5], max_epochs=3, batch_size=20, learning_rate=1e300)
    assert record.error
    again = RunRecord.from_dict(json.loads(record.to_json()))
    assert (again.error, again.epochs, again.val_score) == (record.error, record.epochs, record.val_score)
    for name, curve in record.curves.items():
        assert torch.equal(torch.tensor(curve).isfinite(), torch.tensor(again.curves[name]).isfinite())


def test_seeds_do_not_share_their_curves(digits, run):
    one, two = run("N-MINCUTPOOL", digits(60), [1, 2], max_epochs=1, replicas=2)
    one.curves["lr"].append(0.0)
    one.config["training"]["batch_size"] = 0
    one.provenance["device"] = "another"
    assert two.curves["lr"] == [1e-3]
    assert two.config["training"]["batch_size"] != 0
    assert two.provenance["device"] != "another"


def test_rate_of_an_epoch_is_the_one_it_was_trained_with(digits, run):
    (record,) = run(
        "N-MINCUTPOOL",
        digits(60),
        [1],
        max_epochs=8,
        batch_size=20,
        learning_rate_patience=1,
        stop_patience=5,
    )
    best, expected, rate = -1.0, [], 1e-3
    for value in record.curves["val_score"]:
        expected.append(rate)
        rate = rate if value > best else max(rate / 2, 1e-5)
        best = max(best, value)
    assert record.curves["lr"] == expected and len(set(expected)) > 1


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ("/opt/bin/rethinkpool train GMN NCI1 --seeds 3", "rethinkpool train GMN NCI1 --seeds 3"),
        ("rethinkpool grid smoke --store /some/folder --workers 1", "rethinkpool grid smoke --workers 1"),
        ("rethinkpool grid smoke --store=/some/folder --set a=1", "rethinkpool grid smoke --set a=1"),
        ("rethinkpool grid smoke --store runs", "rethinkpool grid smoke --store runs"),
        ("rethinkpool grid /some/grid.toml --quiet", "rethinkpool grid grid.toml --quiet"),
        ("ipykernel_launcher.py -f /some/kernel.json", "ipykernel_launcher.py"),
    ],
)
def test_the_command_names_no_folder_of_the_machine(argv, said):
    assert command(argv.split()) == said


@pytest.mark.parametrize("name", ["DIFFPOOL-V2", "GRACLUS", "RANDOM-GMN", "MINCUTPOOL"])
def test_a_saved_record_gives_the_trained_model_back(name, digits, run, tmp_path):
    dataset = digits(100)
    for record in run(name, dataset, [1, 2], max_epochs=3, batch_size=16):
        record.save(tmp_path / "run.safetensors")
        again = RunRecord.load(tmp_path / "run.safetensors")
        assert again.to_dict() == record.to_dict()
        model, split = again.build_model(), dataset.with_split(record.seed)
        right = model.predict(dataset, split.test).argmax(1) == dataset.store.y[split.test]
        assert right.double().mean().item() == pytest.approx(record.test_score)


def test_records_without_weights_and_other_files(record, tmp_path):
    record.weights = None
    with pytest.raises(UsageError, match="no weights"):
        record.build_model()
    record.save(tmp_path / "run.safetensors")
    assert RunRecord.load(tmp_path / "run.safetensors").weights is None
    with pytest.raises(StorageError, match="cannot read the record"):
        RunRecord.load(tmp_path / "nothing.safetensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(DataError, match="no record"):
        RunRecord.load(tmp_path / "other.safetensors")
    for text in ("", "[]", "{}", '{"curves": {}, "colour": 3}'):
        save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors", {"record": text})
        with pytest.raises(DataError, match=r"other\.safetensors holds no run record"):
            RunRecord.load(tmp_path / "other.safetensors")


def test_paths_may_begin_with_a_tilde(digits, run, tmp_path, monkeypatch):
    """As that of a store or of a data folder; it became the name of a folder."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (record,) = run("NO-POOL", digits(60), [1], max_epochs=1, checkpoint_dir="~/checkpoints")
    record.save("~/run.safetensors")
    assert RunRecord.load("~/run.safetensors").to_dict() == record.to_dict()
    assert sorted(path.name for path in (tmp_path / "home").iterdir()) == ["checkpoints", "run.safetensors"]
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_a_record_that_cannot_be_written(record, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"cannot write .*run\.safetensors.*name another file") as error:
        record.save(tmp_path / "file" / "run.safetensors")
    assert "--root" not in str(error.value), "it has nothing to do with the data folder"
