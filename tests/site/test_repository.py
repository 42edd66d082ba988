"""The address of the repository stands once, in pyproject.toml, and everything else agrees with it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from rethinkpool_core.errors import UsageError
from rethinkpool_core.site import notebooks, repository, written_address
from rethinkpool_core.site.citation import software_bibtex
from rethinkpool_core.site.repository import Repository, launch_page, setup_cell, with_repository
from rethinkpool_core.site.written_address import expected, write_address

ROOT = Path(__file__).parents[2]
GITHUB = Repository("https://github.com/OWNER/NAME", "OWNER/NAME")
ELSEWHERE = Repository("https://git.example.org/a/b", None)


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A project with the files that the address is written to."""
    for name in ("README.md", "CITATION.cff", "pyproject.toml"):
        shutil.copy2(ROOT / name, tmp_path)
    (tmp_path / "notebooks").mkdir()
    shutil.copy2(ROOT / "notebooks" / "pooling-vs-random.ipynb", tmp_path / "notebooks")
    for module in (notebooks, repository, written_address):
        monkeypatch.setattr(module, "project_folder", lambda: tmp_path)
    return tmp_path


def name_repository(project: Path, url: str) -> None:
    text = (project / "pyproject.toml").read_text(encoding="utf-8")
    text = text.split("[project.urls]")[0] if "[project.urls]" in text else text
    (project / "pyproject.toml").write_text(
        f'{text}\n[project.urls]\nRepository = "{url}"\n', encoding="utf-8"
    )


def code_cells(project: Path) -> list[dict]:
    text = (project / "notebooks" / "pooling-vs-random.ipynb").read_text(encoding="utf-8")
    return [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]


def test_the_files_of_this_project_agree_with_its_address():
    found = repository.repository()
    stale = [path.name for path, text in expected(found).items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run python -m rethinkpool_core.site.written_address"


@pytest.mark.parametrize("url", ["https://github.com/OWNER/NAME", "https://github.com/OWNER/NAME.git"])
def test_address_on_github(project, url):
    name_repository(project, url)
    assert repository.repository() == GITHUB


def test_address_elsewhere_has_no_place_on_colab(project):
    name_repository(project, ELSEWHERE.url)
    assert repository.repository() == ELSEWHERE


@pytest.mark.parametrize("url", ["github.com/OWNER/NAME", "https://github.com", 'https://x.org/a"; rm'])
def test_what_is_no_address_is_refused(project, url):
    name_repository(project, url.replace('"', '\\"'))
    with pytest.raises(UsageError, match="https address"):
        repository.repository()


def test_writing_the_address_and_taking_it_back(project):
    before = {path.name: path.read_text(encoding="utf-8") for path in expected(None)}
    name_repository(project, GITHUB.url)
    assert {path.name for path in write_address()} == {"README.md", "CITATION.cff", "pooling-vs-random.ipynb"}
    assert write_address() == []
    assert code_cells(project)[0] == setup_cell(GITHUB)
    assert (
        yaml.safe_load((project / "CITATION.cff").read_text(encoding="utf-8"))["repository-code"]
        == GITHUB.url
    )
    assert GITHUB.url in (project / "README.md").read_text(encoding="utf-8")
    (project / "pyproject.toml").write_text(
        (ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    for path, text in expected(None).items():
        assert text == before[path.name]


def run_cell(found: Repository, folder: Path, *, installed: bool) -> dict:
    """Run the set-up cell in a process of its own whose pip does nothing, and return what it did."""
    code = f"""
import importlib.util, json, os, subprocess, sys
commands, run = [], subprocess.run
def recorded(command, **options):
    commands.append([str(part) for part in command])
    return None if "pip" in command else run(command, **options)
subprocess.run = recorded
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name: object() if {installed} else None if name == "rethinkpool_core" else find_spec(name)
exec({"".join(setup_cell(found)["source"])!r})
print(json.dumps({{"commands": commands, "folder": os.getcwd(), "first": sys.path[0]}}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_set_up_cell_clones_installs_and_goes_to_the_notebooks(tmp_path):
    origin = tmp_path / "origin"
    (origin / "notebooks").mkdir(parents=True)
    (origin / "notebooks" / "a.ipynb").write_text("{}")
    git = ["git", "-C", str(origin), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], check=True)
    (tmp_path / "content").mkdir()
    did = run_cell(Repository(f"file://{origin}", None), tmp_path / "content", installed=False)
    clone = (tmp_path / "content" / "rethinkpool").resolve()
    assert did["folder"] == str(clone / "notebooks") and (clone / "notebooks" / "a.ipynb").is_file()
    assert did["first"] == str(clone)
    assert did["commands"][-1][1:] == ["-m", "pip", "install", "--quiet", "-e", f"{clone}[notebooks]"]


def test_set_up_cell_does_nothing_where_the_package_is_installed(tmp_path):
    did = run_cell(GITHUB, tmp_path, installed=True)
    assert did["commands"] == [] and did["folder"] == str(tmp_path.resolve())


def test_the_book_has_buttons_only_with_an_address_on_github():
    config = (ROOT / "book" / "_config.yml").read_text(encoding="utf-8")
    assert with_repository(config, None) == config
    assert "launch_buttons" not in yaml.safe_load(with_repository(config, ELSEWHERE))
    changed = yaml.safe_load(with_repository(config, GITHUB))
    assert changed["launch_buttons"]["colab_url"] == "https://colab.research.google.com"
    assert changed["repository"]["url"] == GITHUB.url
    assert changed["html"]["baseurl"] == "https://OWNER.github.io/NAME/"


def test_the_page_about_launching_has_links_only_with_an_address_on_github():
    assert "](https://colab" not in launch_page(None) + launch_page(ELSEWHERE)
    text = launch_page(GITHUB)
    assert (
        "https://colab.research.google.com/github/OWNER/NAME/blob/main/notebooks/pooling-vs-random.ipynb"
        in text
    )
    assert (
        "https://mybinder.org/v2/gh/OWNER/NAME/main?urlpath=lab/tree/notebooks/pooling-vs-random.ipynb"
        in text
    )


def test_the_extra_that_the_set_up_cell_installs_exists():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "notebooks" in project["optional-dependencies"]


def test_entry_of_the_software_for_a_bibliography():
    text = software_bibtex()
    assert text.startswith("@software{rethinkpool,\n") and text.endswith("}\n")
    assert "author = {{The rethinkpool authors}}" in text
    assert text.count("{") == text.count("}")
