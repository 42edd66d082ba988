"""`rethinkpool data count`: writes what the book shows of a dataset, and leaves other datasets in the files as they are."""

from __future__ import annotations

import json

import pytest

from rethinkpool_core.cli import main
from rethinkpool_core.datasets.counts import FILE as COUNTS
from rethinkpool_core.datasets.counts import counts_file, read_counts
from rethinkpool_core.figures.sample_graphs import FILE as SAMPLES
from rethinkpool_core.figures.sample_graphs import read_samples, samples_file


def test_digits_are_counted_as_committed(tmp_path, capsys):
    assert main(["data", "count", "digits", "--to", str(tmp_path)]) == 0
    assert read_counts(tmp_path / COUNTS) == {"DIGITS": read_counts()["DIGITS"]}
    assert read_samples(tmp_path / SAMPLES) == {"DIGITS": read_samples()["DIGITS"]}
    assert f"DIGITS: counted, checksum {read_counts()['DIGITS'].checksum}" in capsys.readouterr().out


def test_other_datasets_stay(tmp_path):
    for committed in (counts_file(), samples_file()):
        found = json.loads(committed.read_text())
        found["DIGITS"] = found["NCI1"]
        (tmp_path / committed.name).write_text(json.dumps(found))
    assert main(["data", "count", "DIGITS", "--to", str(tmp_path)]) == 0
    for committed in (counts_file(), samples_file()):
        assert (tmp_path / committed.name).read_text() == committed.read_text()


@pytest.mark.parametrize("wrong", [["NCI2", "--to", "."], ["--to", "no/such/folder"]])
def test_what_is_wrong_is_told_before_the_first_set_is_counted(wrong, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("rethinkpool_core.datasets.load_dataset", lambda *given: pytest.fail("loaded"))
    assert main(["data", "count", "DIGITS", *wrong]) in (1, 2)
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_wrong_name_counts_nothing(tmp_path, capsys):
    assert main(["data", "count", "DIGITS", "NCI2", "--to", str(tmp_path)]) == 2
    assert "did you mean 'NCI1'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
