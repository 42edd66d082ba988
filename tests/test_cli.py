"""The command line as a user meets it: exit codes, one sentence on stderr, nothing lost."""

from __future__ import annotations

import errno
import json
import subprocess
import sys

import pytest

from rethinkpool_core import __version__
from rethinkpool_core.cli import main
from rethinkpool_core.commands.output import write_text
from rethinkpool_core.errors import StorageError

COMMAND = [sys.executable, "-c", "import sys; from rethinkpool_core.cli import main; sys.exit(main())"]
QUICK = ["train", "N-MINCUTPOOL", "DIGITS", "--seeds", "1", "--max-epochs", "1", "--device", "cpu"]


@pytest.fixture(autouse=True)
def data_folder(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("RETHINKPOOL_DATA", str(tmp_path_factory.getbasetemp() / "cli-data"))


@pytest.fixture
def fails(monkeypatch):
    """Make training do something else: ``fails(function)``."""
    import rethinkpool_core.training

    def put(function):
        monkeypatch.setattr(rethinkpool_core.training, "train", function, raising=False)

    return put


def only_line(text: str) -> str:
    lines = text.splitlines()
    assert len(lines) == 1, text
    return lines[0]


# -- commands that are wrong


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["trian"], "train"),
        (["train"], "missing argument"),
        (["train", "GMN", "DIGITS", "--sedes", "3"], "--seeds"),
        (["train", "MINCUTPOL", "DIGITS"], "did you mean 'MINCUTPOOL'"),
        (["train", "MINCUTPOOL", "DIGIT"], "did you mean 'DIGITS'"),
        (["train", "GMN", "DIGITS", "--set", "num_heds=2"], "did you mean 'num_heads'"),
        (["train", "GMN", "DIGITS", "--set", "batch_sise=2"], "did you mean 'batch_size'"),
        (["train", "GMN", "DIGITS", "--set", "num_heads=many"], "num_heads"),
        (["train", "GMN", "DIGITS", "--set", "batch_size=0.5"], "batch_size"),
        (["train", "GMN", "DIGITS", "--set", "hidden_dim"], "key=value"),
        (["train", "GMN", "DIGITS", "--seeds", "0"], "seeds is 0"),
        (["train", "GMN", "DIGITS", "--seeds", "few"], "--seeds"),
        (["train", "GMN", "DIGITS", "--max-epochs", "0", "--seeds", "1"], "max_epochs"),
        (["train", "GMN", "DIGITS", "--device", "cuda:99"], "cuda"),
        (["data", "fetch", "DIGITS", "PROTEINZ"], "did you mean 'PROTEINS'"),
        (["data", "stats", "TU:"], "there is no dataset"),
        (["notebook", "pooling-vs-randon"], "did you mean 'pooling-vs-random'"),
        (["notebook", "pooling-vs-random", "-p", "seedz", "3"], "did you mean 'seeds'"),
        (["notebook", "pooling-vs-random", "-p", "seeds", "many"], "type int"),
        (["notebook", "pooling-vs-random", "-p", "seeds", "1", "-p", "seeds", "2"], "twice"),
        (["book", "--profile", "quik"], "did you mean 'quick'"),
    ],
)
def test_wrong_command_is_one_sentence_and_2(args, said, capsys):
    assert main(args) == 2
    captured = capsys.readouterr()
    assert said in only_line(captured.err)
    assert captured.err.startswith("error: ")
    assert captured.out == ""


def test_seeds_below_one_do_not_wait_for_the_data(capsys, fails):
    fails(lambda *a, **k: pytest.fail("trained"))
    assert main([*QUICK[:3], "--seeds", "-1"]) == 2


def test_unwritable_result_file_is_told_before_training(tmp_path, capsys, fails):
    fails(lambda *a, **k: pytest.fail("trained"))
    assert main([*QUICK, "--json", str(tmp_path / "no" / "such" / "r.json")]) == 1
    assert "cannot write" in only_line(capsys.readouterr().err)


# -- commands that fail


def test_internal_error_has_no_traceback(capsys, fails):
    def broken(*args, **kwargs):
        raise ZeroDivisionError("of\ntwo lines")

    fails(broken)
    assert main(QUICK) == 1
    assert "internal error: ZeroDivisionError (of two lines)" in only_line(capsys.readouterr().err)


@pytest.mark.parametrize("place", [0, -1])
def test_debug_shows_the_traceback_wherever_it_stands(capsys, fails, place):
    def broken(*args, **kwargs):
        raise ZeroDivisionError

    fails(broken)
    args = list(QUICK)
    args.insert(place if place == 0 else len(args), "--debug")
    assert main(args) == 1
    assert "Traceback" in capsys.readouterr().err


def test_interrupted_is_130(capsys, fails):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    fails(interrupted)
    assert main(QUICK) == 130
    assert only_line(capsys.readouterr().err) == "error: interrupted"


def test_ctrl_c_amid_an_import_ends_the_command_whatever_the_import_does(tmp_path):
    """Some packages catch every exception of an import that fails, and would go on."""
    (tmp_path / "swallowing.py").write_text(
        "import os, signal\ntry:\n    os.kill(os.getpid(), signal.SIGINT)\nexcept BaseException:\n    pass\n"
    )
    code = (
        f"import sys; sys.path.append({str(tmp_path)!r})\n"
        "from rethinkpool_core import cli\n"
        "@cli.app.command('slow')\ndef slow():\n    import swallowing\n    print('went on')\n"
        "sys.exit(cli.main(['slow']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "error: interrupted\n")


def test_failed_replica_is_listed_and_the_others_are_kept(tmp_path, capsys, fails):
    from rethinkpool_core.training import RunRecord

    def records(*args, **kwargs):
        good = RunRecord("N-MINCUTPOOL", "DIGITS", 1, "accuracy", 0.5, 0.25, 3, 9)
        return [
            good,
            RunRecord("N-MINCUTPOOL", "DIGITS", 2, "accuracy", error="train_loss became nan in epoch 2"),
        ]

    fails(records)
    file = tmp_path / "r.json"
    assert main([*QUICK, "--json", str(file)]) == 1
    captured = capsys.readouterr()
    assert "1 of 2 runs failed (seed 2: train_loss became nan" in only_line(captured.err)
    assert "25.0 over 1 seed" in captured.out and "train_loss became nan in epoch 2" in captured.out
    assert [record["seed"] for record in json.loads(file.read_text())] == [1, 2]


def one_record(*args, **kwargs):
    from rethinkpool_core.training import RunRecord

    return [RunRecord("N-MINCUTPOOL", "DIGITS", 1, "accuracy", 0.5, 0.25, 3, 9)]


def test_records_are_written_where_the_output_cannot_be(tmp_path, capsys, fails, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    fails(one_record)
    monkeypatch.setattr("rethinkpool_core.commands.train.print_table", full)
    assert main([*QUICK, "--json", str(tmp_path / "r.json")]) == 1
    assert [record["seed"] for record in json.loads((tmp_path / "r.json").read_text())] == [1]


def test_scores_are_printed_where_the_records_cannot_be_written(tmp_path, capsys, fails, monkeypatch):
    def full(*args):
        raise StorageError("no space")

    fails(one_record)
    monkeypatch.setattr("rethinkpool_core.commands.train.write_text", full)
    assert main([*QUICK, "--json", str(tmp_path / "r.json")]) == 1
    captured = capsys.readouterr()
    assert "25.0 over 1 seed" in captured.out and only_line(captured.err) == "error: no space"


def test_result_file_is_whole_or_the_old_one(tmp_path, monkeypatch):
    file = tmp_path / "r.json"
    file.write_text("old")

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rethinkpool_core.commands.output.os.fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        write_text(file, "new")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_output_that_the_caller_has_closed(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["data", "list"]) == 0
    assert main(["data", "lost"]) == 2
    sys.stdout.close()
    sys.stderr.close()


def test_closed_pipe_is_quiet():
    running = subprocess.Popen([*COMMAND, "data", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    running.stdout.close()
    said = running.stderr.read()
    running.stderr.close()
    running.wait()
    assert said == b""


@pytest.mark.parametrize("name", ["a folder/file", None])
def test_no_room_or_no_permission_is_no_internal_error(name, capsys, fails):
    def refused(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device", name)

    fails(refused)
    assert main(QUICK) == 1
    said = only_line(capsys.readouterr().err)
    assert said.startswith(f"error: cannot use {name or 'the file that the output goes to'} (No space left")


def test_the_module_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "rethinkpool_core.cli", "--version"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, f"rethinkpool {__version__}\n")


# -- commands that work


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"rethinkpool {__version__}\n"


def test_help_imports_nothing_heavy():
    """What makes the command slow to answer is an import: any of these alone takes longer than all the rest."""
    heavy = ("torch", "torch_geometric", "sklearn", "pandas", "matplotlib", "papermill")
    code = "import sys; from rethinkpool_core.cli import main; main(['--help'])\n"
    code += f"print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize(
    "command",
    [
        "", "data", "data list", "data fetch", "data verify", "data stats", "models", "train", "grid", "results",
        "results show", "results compact", "notebook", "book", "bench",
    ],
)  # fmt: skip
def test_help_of_every_command(command, option, capsys):
    assert main([*command.split(), option]) == 0
    assert " ".join(["Usage: rethinkpool", *command.split()]) in capsys.readouterr().out


@pytest.mark.parametrize("args", [[], ["data"]])
def test_no_command_shows_what_there_is(args, capsys):
    assert main(args) == 2
    captured = capsys.readouterr()
    assert "Usage" in captured.out
    assert captured.err == ""


def test_list_names_every_dataset(capsys):
    from rethinkpool_core.datasets.spec import DATASETS

    assert main(["data", "list"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert [name for name in listed if name in DATASETS] == list(DATASETS)


def test_fetching_what_is_built_in_names_no_folder(tmp_path, capsys):
    assert main(["data", "fetch", "DIGITS", "--root", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "DIGITS: built in\n"


def test_stats_stand_beside_the_printed_ones(capsys, tmp_path, small_mirror):
    root = ["--root", str(tmp_path)]
    assert main(["data", "fetch", "PROTEINS", "--from", str(small_mirror), *root]) == 0
    assert main(["data", "stats", "PROTEINS", *root]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["avg", "edges", "56.80", "72.82"] in rows  # ten graphs with 568 edges, and the whole set


def test_train_prints_a_row_a_seed_and_writes_records(tmp_path, capsys):
    file = tmp_path / "records.json"
    assert main([*QUICK, "--set", "hidden_dim=8", "--set", "batch_size=256", "--json", str(file)]) == 0
    out = capsys.readouterr().out
    assert "test accuracy (%):" in out
    (record,) = json.loads(file.read_text())
    assert record["config"]["model"]["hidden_dim"] == 8
    assert record["config"]["training"]["batch_size"] == 256
    assert f"{100 * record['test_score']:.1f}" in out


def test_printed_score_stands_beside_the_measured_one():
    from rethinkpool_core.commands.train import summary
    from rethinkpool_core.training import RunRecord

    records = [RunRecord("MINCUTPOOL", "ZINC", seed, "mae", 0.5, 0.4 + seed / 10, 1, 1) for seed in (1, 2)]
    assert summary(records) == (
        "test mean absolute error: 0.55 ± 0.07 over 2 seeds; Table S5: 0.47 ± 0.01 over 20 seeds"
    )
