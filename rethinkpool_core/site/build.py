"""Build the site: run the notebooks, then let jupyter-book turn pages and executed notebooks into HTML."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path

from rethinkpool_core.errors import RethinkPoolError
from rethinkpool_core.figures.social_card import write_social_card
from rethinkpool_core.files.atomic import move_folder
from rethinkpool_core.site.accessible_html import correct_pages
from rethinkpool_core.site.citation import software_bibtex
from rethinkpool_core.site.collapsed_assignments import write_collapsed_assignments
from rethinkpool_core.site.dataset_cards import write_cards
from rethinkpool_core.site.how_fast import write_measurement
from rethinkpool_core.site.how_fast_gpu import write_gpu_measurement
from rethinkpool_core.site.landing import write_landing
from rethinkpool_core.site.model_pages import write_model_pages
from rethinkpool_core.site.notebooks import profile_parameters, project_folder, run_notebook, shown
from rethinkpool_core.site.repository import launch_page, repository, with_repository
from rethinkpool_core.site.results_csv import write_results_csv
from rethinkpool_core.site.settled import write_settled
from rethinkpool_core.site.tables import write_tables
from rethinkpool_core.site.when_pooling_matters import write_when_pooling_matters

# Its console script may not be on PATH, and `python -m jupyter_book` does not exist.
_JUPYTER_BOOK = "from jupyter_book.cli.main import main; main()"
_MATHJAX = "sphinx-mathjax-offline/static/mathjax/tex-svg.js"


class BookError(RethinkPoolError):
    """Raised when the site cannot be built."""


def build_book(profile: str = "quick", *, say: Callable[[str], None] = print) -> Path:
    """Run the notebooks of ``profile``, build the site, and return its first page, ``build/site/index.html``.

    ``say`` receives one line per step. Every warning of the build is an error.

    Raises UnknownNameError for an unknown profile, NotebookError if a notebook fails, and BookError if the build fails.
    """
    parameters = profile_parameters(profile)
    build = project_folder() / "build"
    # On small graphs threads mostly wait for each other, which on a busy machine is ten times slower.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for name, given in parameters.items():
        say(f"running notebook {name}")
        run_notebook(name, given, output=build / "notebooks" / f"{name}.ipynb")
    say("building the site")
    return build_site(build / "notebooks", build)


def build_site(executed: Path, build: Path) -> Path:
    """Build the site from the pages of ``book/`` and the executed notebooks in ``executed``, and return its first page.

    No notebook is run. Sources are collected in ``build/pages`` and the log is ``build/site.log``. An existing ``build/site`` is
    replaced only once the new site is complete.

    Raises BookError with the first warning of a failed build, and DataError if ``results/how-fast.json`` or the counts of the
    datasets are missing or not complete.
    """
    pages = build / "pages"
    shutil.rmtree(pages, ignore_errors=True)
    collect_pages(executed, pages)
    html = make_html(pages, build)
    write_results_csv(html / "results")
    move_folder(html, build / "site")
    return build / "site" / "index.html"


def collect_pages(executed: Path, pages: Path) -> None:
    """Fill the new folder ``pages`` with the pages of ``book/``, the executed notebooks and what is written from results."""
    shutil.copytree(project_folder() / "book", pages)
    (pages / "notebooks").mkdir()
    for notebook in sorted(executed.glob("*.ipynb")):
        if notebook.name.count(".") == 1:  # neither NAME.running.ipynb nor NAME.failed.ipynb
            shutil.copy2(notebook, pages / "notebooks" / notebook.name)
    write_tables(pages / "tables")
    write_cards(pages / "tables")
    write_model_pages(pages)
    write_measurement(pages / "tables")
    write_gpu_measurement(pages / "tables")
    _write_derived(pages)
    write_landing(pages / "tables")
    write_settled(pages / "tables")
    write_when_pooling_matters(pages / "tables")
    write_collapsed_assignments(pages / "tables")


def make_html(pages: Path, build: Path) -> Path:
    """Turn ``pages`` into HTML in a folder of ``build``, which is returned. Raises BookError with the first warning."""
    html, log = build / "_build" / "html", build / "site.log"
    # From scratch: an incremental build would not repeat the warnings about unchanged pages.
    shutil.rmtree(build / "_build", ignore_errors=True)
    options = ["-W", "-n", "--keep-going", "--quiet", "--path-output", str(build)]
    with log.open("w", encoding="utf-8") as output:
        command = [sys.executable, "-c", _JUPYTER_BOOK, "build", str(pages), *options]
        ended = subprocess.run(
            command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, "NO_COLOR": "1"}, check=False
        )
    if ended.returncode != 0:
        raise BookError(f"the site was not built, {_first_complaint(log)}: see {shown(log)}")
    correct_pages(html)
    # After the build, because jupyter-book loads every script of its static folder on each page.
    (html / "_static" / "mathjax").mkdir()
    shutil.copy2(_mathjax(), html / "_static" / "mathjax")
    return html


def _write_derived(pages: Path) -> None:
    """Write what follows from other files: the changelog, how to cite it, launch buttons, and the picture of links."""
    shutil.copy2(project_folder() / "CHANGELOG.md", pages / "changelog.md")
    (pages / "tables" / "citation.md").write_text(f"```bibtex\n{software_bibtex()}```\n", encoding="utf-8")
    write_social_card(pages / "_static" / "social-card.png")
    address = repository()
    (pages / "tables" / "launch.md").write_text(launch_page(address), encoding="utf-8")
    config = pages / "_config.yml"
    config.write_text(with_repository(config.read_text(encoding="utf-8"), address), encoding="utf-8")


def _mathjax() -> Path:
    return Path(str(distribution("sphinx-mathjax-offline").locate_file(_MATHJAX)))


def _first_complaint(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    complaints = [line.strip() for line in lines if "WARNING" in line or "ERROR" in line or "Error:" in line]
    return complaints[0] if complaints else "no reason given"
