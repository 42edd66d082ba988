"""What is written is what is read, by pyarrow and DuckDB; what is damaged harms nothing else."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from rethinkpool_core import load_results
from rethinkpool_core.errors import DataError, StorageError, UsageError
from rethinkpool_core.experiments.compact import compact
from rethinkpool_core.experiments.parquet import encode_rows
from rethinkpool_core.experiments.schema import SCHEMA
from rethinkpool_core.experiments.store import ResultStore, store_folder


def test_round_trip(store, cell, record_of):
    records = [record_of(cell, seed, seed / 10) for seed in (1, 2, 11)]
    records.append(record_of(cell, 4, None, epochs=0, best_epoch=0, curves={}, error="its loss was NaN"))
    for record in records:
        store.write(record)
    read = sorted(store.records(), key=lambda record: record.seed)
    expected = sorted(records, key=lambda record: record.seed)
    assert [record.to_dict() for record in read] == [record.to_dict() for record in expected]
    assert store.finished() == {cell.key(seed) for seed in (1, 2, 11)}
    assert store.failed() == {cell.key(4)}


def test_a_failed_run_that_ends_well_later(store, cell, record_of):
    store.write(record_of(cell, 1, None, error="no memory"))
    assert store.failed() == {cell.key(1)} and not store.finished()
    store.write(record_of(cell, 1))
    assert not store.failed() and store.finished() == {cell.key(1)} and store.has(cell.key(1))


def test_duckdb_reads_runs_and_compacted_files(store, cell, record_of, tmp_path):
    for seed in range(1, 6):
        store.write(record_of(cell, seed, seed / 10))
    compact([store.folder], tmp_path / "folded.parquet")
    for files in (f"{store.folder}/*.parquet", f"{tmp_path}/folded.parquet"):
        (row,) = duckdb.sql(
            f"""SELECT model, count(*), avg(test_score), max(config->>'$.training.batch_size'),
                       max(curves['train_loss'][1]) FROM '{files}' GROUP BY model"""
        ).fetchall()
        assert row[:2] == ("N-MINCUTPOOL", 5) and row[2] == pytest.approx(0.3) and row[3:] == ("64", 1.5)


def test_frame(store, cell, record_of):
    for seed in (2, 1):
        store.write(record_of(cell, seed, seed / 4))
    store.write(record_of(cell, 3, None, error="no"))
    frame = load_results(store.folder)
    assert list(frame.columns) == SCHEMA.names and list(frame.seed) == [1, 2, 3]
    assert frame.test_score.tolist()[:2] == [0.25, 0.5] and frame.test_score.isna().tolist()[2]
    assert frame.config[0]["training"]["batch_size"] == 64
    assert frame.curves[0]["train_loss"][0] == 1.5
    assert frame.error.isna().tolist() == [True, True, False]
    assert load_results(store.folder, cells=["other"]).empty


def test_frame_of_an_empty_store(tmp_path):
    frame = load_results(tmp_path / "none")
    assert frame.empty and list(frame.columns) == SCHEMA.names
    assert not (tmp_path / "none").exists()


def test_a_compacted_file_counts_as_finished(store, cell, record_of, tmp_path):
    for seed in (1, 2):
        store.write(record_of(cell, seed))
    other = ResultStore(tmp_path / "other")
    other.prepare()
    assert compact([store.folder], other.folder / "table.parquet") == 2
    assert other.finished() == {cell.key(1), cell.key(2)}
    store.write(record_of(cell, 1, 0.1))
    (other.folder / f"{cell.key(1)}.parquet").write_bytes(
        (store.folder / f"{cell.key(1)}.parquet").read_bytes()
    )
    assert len(list(other.records())) == 2, "a run that is there twice comes once"


def test_compact_takes_stores_files_and_json_lines(store, cell, record_of, tmp_path):
    store.write(record_of(cell, 1, 0.5))
    lines = tmp_path / "records.jsonl"
    lines.write_text("".join(record_of(cell, seed, 0.9).to_json() + "\n" for seed in (1, 2)))
    third = tmp_path / "third.parquet"
    compact([lines], third)
    target = tmp_path / "all.parquet"
    assert compact([store.folder, lines, third], target) == 2
    assert sorted(row["test_score"] for row in pq.read_table(target).to_pylist()) == [0.5, 0.9]
    assert compact([target], target) == 2, "onto itself"
    with pytest.raises(DataError, match="no finished run"):
        compact([store.folder], target, cells=["other"])
    assert pq.read_table(target).num_rows == 2


def test_compact_loses_no_run_of_a_file_that_is_there(store, cell, record_of, tmp_path):
    target = tmp_path / "results.parquet"
    for seed in (1, 2):
        store.write(record_of(cell, seed, 0.5))
    compact([store.folder], target)
    other = ResultStore(tmp_path / "other")
    other.prepare()
    other.write(record_of(cell, 3, 0.5))
    with pytest.raises(UsageError, match="has 2 runs that would be lost"):
        compact([other.folder], target)
    assert pq.read_table(target).num_rows == 2
    assert compact([other.folder, target], target) == 3


@pytest.mark.parametrize("line", ["", "{", "[]", "3", '{"model": "GMN"}', '{"model": "GMN", "curves": {}}'])
def test_lines_that_are_no_records(line, cell, record_of, tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_text(record_of(cell, 1).to_json() + "\n" + line + "\n")
    with pytest.raises(DataError, match="line 2 of"):
        compact([path], tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()


def test_nothing_to_compact(tmp_path):
    with pytest.raises(StorageError, match="no store or file"):
        compact([tmp_path / "none"], tmp_path / "out.parquet")


@pytest.mark.parametrize(
    ("name", "content"),
    [("notes.txt", b"a text of the user's own"), ("cut.parquet", b"PAR1"), ("records.jsonl", b"\xff\n")],
)
def test_files_that_hold_no_runs_are_refused_and_stay(name, content, tmp_path):
    """They are the user's: none is moved to a folder of damaged runs."""
    source = tmp_path / name
    source.write_bytes(content)
    with pytest.raises(StorageError, match=name):
        compact([source], tmp_path / "out.parquet")
    assert [path.name for path in tmp_path.iterdir()] == [name] and source.read_bytes() == content


# -- damage


def cut(path):
    path.write_bytes(path.read_bytes()[:-10])


def empty(path):
    path.write_bytes(b"")


def other_content(path):
    path.write_bytes(b"not Parquet at all, but long enough")


def flipped(path):
    """One bit in the midst of the data: the ends look whole."""
    content = bytearray(path.read_bytes())
    content[60] ^= 1
    path.write_bytes(bytes(content))


def flipped_in_the_footer(path):
    content = bytearray(path.read_bytes())
    content[-40] ^= 255
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("harm", [cut, empty, other_content])
def test_damaged_ends_are_told_before_a_grid(harm, store, cell, record_of, caplog):
    for seed in (1, 2):
        store.write(record_of(cell, seed))
    harm(store.folder / f"{cell.key(1)}.parquet")
    store.prepare()
    assert store.finished() == {cell.key(2)}
    assert len(list((store.folder / "damaged").iterdir())) == 1
    assert cell.key(1) in caplog.text and "not done" in caplog.text


@pytest.mark.parametrize("harm", [cut, empty, other_content, flipped])
def test_damaged_runs_are_set_aside_when_read(harm, store, cell, record_of, caplog):
    for seed in (1, 2, 3):
        store.write(record_of(cell, seed))
    harm(store.folder / f"{cell.key(2)}.parquet")
    assert sorted(record.seed for record in store.records()) == [1, 3]
    assert store.finished() == {cell.key(1), cell.key(3)}
    assert "was moved" in caplog.text
    # and again: the second damaged file does not take the place of the first
    store.write(record_of(cell, 2))
    harm(store.folder / f"{cell.key(2)}.parquet")
    assert len(list(store.records())) == 2
    assert len(list((store.folder / "damaged").iterdir())) == 2


def test_a_damaged_file_of_many_runs(store, cell, record_of, tmp_path, caplog):
    """Its ends are whole, so that only reading tells: its runs count as not done, and the others do."""
    for seed in (1, 2):
        store.write(record_of(cell, seed))
    compact([store.folder], path := store.folder / "many.parquet")
    (store.folder / f"{cell.key(2)}.parquet").unlink()
    flipped(path)
    store.prepare()
    assert store.finished() == {cell.key(1)}
    assert "many.parquet was moved" in caplog.text


def test_any_flipped_bit_is_noticed_or_harmless(store, cell, record_of, caplog):
    record = record_of(cell, 1)
    store.write(record)
    path = store.folder / f"{cell.key(1)}.parquet"
    content = path.read_bytes()
    for place in range(0, len(content), 13):
        path.write_bytes(content[:place] + bytes([content[place] ^ 16]) + content[place + 1 :])
        try:
            read = list(store.records())
        except StorageError as error:  # the version was hit
            assert "schema version" in str(error)
            read = []
        assert [one.test_score for one in read] in ([], [0.75])
        path.parent.joinpath(path.name).write_bytes(content)
    assert next(store.records()).to_dict() == record.to_dict()


def test_another_schema_is_refused(store, cell, record_of):
    store.write(record_of(cell, 1))
    path = store.folder / f"{cell.key(1)}.parquet"
    for metadata in ({"rethinkpool": "999"}, {}):
        pq.write_table(pq.read_table(path).replace_schema_metadata(metadata), path)
        with pytest.raises(
            StorageError, match=r"schema version (999|none) and this package reads 1"
        ) as error:
            list(store.records())
        assert str(path) in str(error.value)
    assert path.exists(), "it is somebody's"


def test_a_foreign_compacted_file_is_refused(store, tmp_path):
    pq.write_table(pa.table({"a": [1]}), store.folder / "foreign.parquet")
    with pytest.raises(StorageError, match=r"foreign\.parquet has schema version none"):
        store.finished()


# -- disks


def test_full_disk_while_writing(store, cell, record_of, monkeypatch):
    store.write(record_of(cell, 1))

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for weights in (None, {"x": torch.zeros(1)}):
        with pytest.raises(StorageError, match=r"No space left on device.*--store; what was finished"):
            store.write(record_of(cell, 2, weights=weights))
    assert sorted(path.name for path in store.folder.glob("*.parquet")) == [f"{cell.key(1)}.parquet"]
    assert not [path for path in store.folder.iterdir() if path.name.startswith(f".{cell.key(2)}")]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 kB; a function that makes it read-only."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    yield place, lambda: subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
    subprocess.run(["umount", str(place)], check=True)


def test_full_file_system(small_disk, cell, record_of):
    store, written = ResultStore(small_disk[0]), 0
    store.prepare()
    with pytest.raises(StorageError, match="No space left"):
        for seed in range(1, 100):
            store.write(record_of(cell, seed))
            written = seed
    assert written > 2
    assert len(list(store.records())) == written


def test_read_only_store_can_be_read(small_disk, cell, record_of, caplog):
    place, make_read_only = small_disk
    store = ResultStore(place)
    store.prepare()
    for seed in (1, 2):
        store.write(record_of(cell, seed))
    cut(store.folder / f"{cell.key(2)}.parquet")
    make_read_only()
    assert [record.seed for record in store.records()] == [1]
    assert "could not be moved aside" in caplog.text
    with pytest.raises(StorageError, match=r"Read-only file system.*--store"):
        store.prepare()


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "store"):
        with pytest.raises(StorageError, match="cannot write to the store"):
            ResultStore(folder).prepare()


# -- places and locks


def test_where_a_store_is(monkeypatch, tmp_path):
    assert store_folder(tmp_path) == tmp_path
    assert "rethinkpool" in str(store_folder())
    monkeypatch.setenv("RETHINKPOOL_STORE", str(tmp_path / "there"))
    assert store_folder() == tmp_path / "there"


HOLD = """
import sys, time
from rethinkpool_core.experiments.store import ResultStore
lock = ResultStore(sys.argv[1]).lock("run")
lock.acquire(blocking=False)
print("held", flush=True)
time.sleep(60)
"""


def test_a_lock_is_freed_by_the_death_of_its_owner(store):
    from filelock import Timeout

    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(store.folder)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(Timeout):
            store.lock("run").acquire(blocking=False)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    with store.lock("run").acquire(blocking=False):
        pass


def test_files_of_other_kinds_are_left_alone(store, cell, record_of):
    store.write(record_of(cell, 1))
    (store.folder / "README.md").write_text("mine")
    (store.folder / ".half.parquet").write_text("of a kill")
    (store.folder / "records.jsonl").write_text(json.dumps({}))
    store.prepare()
    assert len(list(store.records())) == 1
    assert (store.folder / "README.md").exists()


def test_file_is_small(cell, record_of):
    from rethinkpool_core.experiments.schema import row_of

    assert len(encode_rows([row_of(record_of(cell, 1))])) < 12_000
