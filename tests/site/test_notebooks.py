"""Notebooks as files, and the way they are run."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from rethinkpool_core.cli import main
from rethinkpool_core.datasets.spec import DATASETS
from rethinkpool_core.errors import UnknownNameError, UsageError
from rethinkpool_core.paper import get_metric
from rethinkpool_core.site import notebooks
from rethinkpool_core.site.notebooks import (
    PROFILES,
    NotebookError,
    check_parameters,
    notebook_names,
    notebook_parameters,
    profile_parameters,
    run_notebook,
)

FOLDER = Path(__file__).parents[2] / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.ipynb"))


def read(name: str) -> dict:
    return json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A project with a notebook ``small``: parameters ``n = 1`` and ``word = "a"``, and one cell of code."""
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setattr(notebooks, "project_folder", lambda: tmp_path)

    def cell(number, source, tags=()):
        return {
            "cell_type": "code",
            "execution_count": None,
            "id": f"cell-{number}",
            "metadata": {"tags": list(tags)},
            "outputs": [],
            "source": source,
        }

    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    cells = [cell(0, 'n = 1\nword = "a"\nrate = 0.5', ["parameters"]), cell(1, "print(word * n)")]
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "notebooks" / "small.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_no_stored_outputs(name):
    cells = [cell for cell in read(name)["cells"] if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in cells)


@pytest.mark.parametrize("name", NAMES)
def test_one_parameters_cell(name):
    assert sum("parameters" in cell["metadata"].get("tags", []) for cell in read(name)["cells"]) == 1


@pytest.mark.parametrize("name", NAMES)
def test_is_in_the_book(name):
    assert f"notebooks/{name}\n" in (FOLDER.parent / "book" / "_toc.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("profile", PROFILES)
def test_profiles_set_parameters_that_exist(profile):
    found = profile_parameters(profile)
    assert set(found) == set(NAMES)
    for name, parameters in found.items():
        assert check_parameters(name, parameters) == parameters


@pytest.mark.parametrize("name", NAMES)
def test_profiles_of_the_metadata_exist(name):
    assert read(name)["metadata"]["rethinkpool"]["profiles"].keys() <= set(PROFILES)


def test_names_and_parameters(project):
    assert notebook_names() == ["small"]
    assert notebook_parameters("small") == {"n": 1, "word": "a", "rate": 0.5}


@pytest.mark.parametrize(
    ("given", "kept"),
    [({"n": 3}, {"n": 3}), ({"word": 7}, {"word": "7"}), ({"rate": 2}, {"rate": 2.0})],
)
def test_values_take_the_type_of_the_default(project, given, kept):
    checked = check_parameters("small", given)
    assert checked == kept
    assert [type(value) for value in checked.values()] == [type(value) for value in kept.values()]


@pytest.mark.parametrize("given", [{"n": "x"}, {"n": 0.5}, {"n": True}, {"rate": "x"}])
def test_values_of_another_type_are_refused(project, given):
    with pytest.raises(UsageError, match="must be of type"):
        check_parameters("small", given)


def test_unknown_parameter_is_refused_with_the_nearest(project):
    with pytest.raises(UnknownNameError) as caught:
        check_parameters("small", {"wodr": "b"})
    assert caught.value.nearest == "word"


def test_unknown_notebook():
    with pytest.raises(UnknownNameError):
        run_notebook("nothing")


def test_running_leaves_the_source_as_it_is(project):
    source = project / "notebooks" / "small.ipynb"
    before = hashlib.sha256(source.read_bytes()).hexdigest()
    done = run_notebook("small", {"n": 2})
    assert hashlib.sha256(source.read_bytes()).hexdigest() == before
    assert done == project / "build" / "notebooks" / "small.ipynb"
    outputs = [output for cell in json.loads(done.read_text())["cells"] for output in cell["outputs"]]
    assert [output["text"] for output in outputs] == [["aa\n"]]


def test_the_copy_goes_where_it_is_asked_for(project, tmp_path):
    done = run_notebook("small", output=tmp_path / "elsewhere" / "mine.ipynb")
    assert done == tmp_path / "elsewhere" / "mine.ipynb"
    assert list(done.parent.iterdir()) == [done] and not (project / "build").exists()
    with pytest.raises(UsageError, match="ends with"):
        run_notebook("small", output=tmp_path / "mine.html")


def test_each_cell_is_announced_once_on_a_pipe(project, capfd):
    source = project / "notebooks" / "small.ipynb"
    notebook = json.loads(source.read_text())
    notebook["cells"].insert(
        1, {"cell_type": "markdown", "id": "t", "metadata": {}, "source": "# Title\n\n## Words"}
    )
    source.write_text(json.dumps(notebook))
    run_notebook("small", {"n": 2})
    lines = capfd.readouterr().err.splitlines()
    assert lines == ["small: cell 1 of 3", "small: cell 2 of 3", "small: cell 3 of 3, Words"]


def test_a_kernel_that_ends_badly_says_nothing(project, capfd):
    """What the kernel's event loop logs while its sockets close is no concern of the reader."""
    source = project / "notebooks" / "small.ipynb"
    notebook = json.loads(source.read_text())
    notebook["cells"][-1]["source"] += (
        "\nimport atexit, logging, sys"
        "\nlogging.basicConfig(stream=sys.__stderr__)"
        "\natexit.register(logging.getLogger('tornado.general').error, 'Uncaught exception')"
        "\natexit.register(logging.getLogger('mine').error, 'my own words')"
    )
    source.write_text(json.dumps(notebook))
    run_notebook("small")
    shown = capfd.readouterr().err
    assert "my own words" in shown and "Uncaught exception" not in shown


def test_failing_notebook_is_kept_aside_with_its_error(project):
    source = project / "notebooks" / "small.ipynb"
    source.write_text(source.read_text().replace("print(word * n)", "1 / 0"))
    with pytest.raises(NotebookError, match="ZeroDivisionError"):
        run_notebook("small")
    folder = project / "build" / "notebooks"
    assert [path.name for path in folder.iterdir()] == ["small.failed.ipynb"]
    assert "ZeroDivisionError" in (folder / "small.failed.ipynb").read_text()


def test_cell_that_takes_too_long_is_stopped(project):
    source = project / "notebooks" / "small.ipynb"
    source.write_text(source.read_text().replace("print(word * n)", "import time; time.sleep(60)"))
    with pytest.raises(NotebookError, match="Timeout"):
        run_notebook("small", cell_timeout=2)


def test_ctrl_c_leaves_no_file_and_no_traceback(project):
    """A cell that sends it to the command, whose child the kernel is."""
    source = project / "notebooks" / "small.ipynb"
    cell = "import os, signal, time; os.kill(os.getppid(), signal.SIGINT); time.sleep(60)"
    source.write_text(source.read_text().replace("print(word * n)", cell))
    code = (
        "import pathlib, sys\nfrom rethinkpool_core import cli\nfrom rethinkpool_core.site import notebooks\n"
        f"notebooks.project_folder = lambda: pathlib.Path({str(project)!r})\n"
        "sys.exit(cli.main(['notebook', 'small']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    lines = done.stderr.splitlines()
    assert (done.returncode, lines[-1]) == (130, "error: interrupted")
    assert all(line.startswith("small: cell") for line in lines[:-1])
    assert not list((project / "build" / "notebooks").iterdir())


def test_outside_a_clone_there_are_no_notebooks(tmp_path, monkeypatch):
    installed = tmp_path / "site-packages" / "rethinkpool_core" / "files" / "folders.py"
    monkeypatch.setattr("rethinkpool_core.files.folders.__file__", str(installed))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="clone"):
        notebooks.project_folder()


def run_cell(name: str, part: str, namespace: dict) -> object:
    """Run the cell of a notebook that has ``part``, and return the value of its last expression."""
    (source,) = [text for cell in read(name)["cells"] if part in (text := "".join(cell["source"]))]
    *body, last = ast.parse(source).body
    exec(compile(ast.Module(body, []), name, "exec"), namespace)
    return eval(compile(ast.Expression(last.value), name, "eval"), namespace)


@pytest.mark.parametrize(("dataset", "paired"), [("DIGITS", True), ("RINGS-1", True), ("ZINC", False)])
def test_seeds_are_paired_where_they_draw_the_split(dataset, paired):
    from rethinkpool_core.analysis.equivalence import compare
    from rethinkpool_core.analysis.sentences import sentence
    from rethinkpool_core.paper import TABLES, published, stand_in

    scores = {"GMN": {1: 0.5, 2: 0.6, 3: 0.75}, "RANDOM-GMN": {1: 0.45, 2: 0.6, 3: 0.7}}
    namespace = {
        "compare": compare, "sentence": sentence, "TABLES": TABLES, "published": published, "stand_in": stand_in,
        "Markdown": str, "scores": scores, "model": "GMN", "twin": "RANDOM-GMN", "max_epochs": 1000,
        "data": SimpleNamespace(name=dataset, spec=DATASETS[dataset]),
    }  # fmt: skip
    said = run_cell("pooling-vs-random", "comparison = compare(", namespace)
    assert ("paired by split" in said) == paired


def test_validation_curves_are_labelled_with_the_metric_of_the_dataset():
    namespace = {
        "FigureRow": list, "get_metric": get_metric, "data": SimpleNamespace(spec=DATASETS["ZINC"]),
        "live": pd.DataFrame({"cell": ["a"]}), "names": {"a": "1 convolution"},
        "curve_bands": lambda runs, curve, label, names: label,
    }  # fmt: skip
    assert run_cell("b2_initial_convolutions", "curve_bands(live", namespace) == [
        "validation mean absolute error"
    ]


def test_the_comparison_is_that_of_the_package_in_points_twin_minus_method(executed):
    """The table of the executed notebook holds the scores; the sentence under it is what the analysis says of them."""
    cells = json.loads((executed / "pooling-vs-random.ipynb").read_text(encoding="utf-8"))["cells"]
    shown = [
        "".join(output.get("data", {}).get("text/markdown", ""))
        for cell in cells
        for output in cell.get("outputs", ())
    ]
    table = next(text for text in shown if "twin minus method" in text)
    rows = re.findall(r"^\| (\d+) \| ([\d.]+) \| ([\d.]+) \| (-?[\d.]+) \|$", table, re.MULTILINE)
    assert len(rows) == 2
    for _, method, twin, difference in rows:
        assert float(twin) - float(method) == pytest.approx(float(difference), abs=0.11)
    mean = sum(float(row[3]) for row in rows) / 2
    if abs(mean) < 0.05:
        said = r"N-DIFFPOOL-V2 and DIFFPOOL-V2 are ([\d.]+) points apart"
    else:
        said = rf"N-DIFFPOOL-V2 is ([\d.]+) points {'better' if mean > 0 else 'worse'} than DIFFPOOL-V2"
    found = re.search(f"On DIGITS, {said}", "\n".join(shown))
    assert float(found[1]) == pytest.approx(abs(mean), abs=0.11)


@pytest.mark.parametrize("command", [["notebook", "d_collapsed_keys"], ["book"]])
def test_without_papermill_one_sentence_says_what_to_install(command, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "papermill", None)
    assert main(command) == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.endswith("needs papermill, which is not installed: pip install 'rethinkpool[book]'")
