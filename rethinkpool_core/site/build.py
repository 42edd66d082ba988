"""Building the site: notebooks run first, then jupyter-book turns pages and executed notebooks into HTML."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import distribution
from pathlib import Path

from rethinkpool_core.errors import RethinkPoolError, UnknownNameError
from rethinkpool_core.files.atomic import move_folder
from rethinkpool_core.site.how_fast import write_measurement
from rethinkpool_core.site.notebooks import project_folder, run_notebook, shown
from rethinkpool_core.site.tables import write_tables

PROFILES: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    # The notebooks' own defaults: DIGITS, minutes on two cores.
    "quick": {"dataset-statistics": {}, "pooling-vs-random": {}},
    # The paper's data and protocol: the datasets must be there, or be downloadable; hours without a GPU.
    "full": {
        "dataset-statistics": {"datasets": "DIGITS,NCI1,IMDB-B,SMNIST,ZINC,PROTEINS,NCI109,DD,MOLHIV"},
        "pooling-vs-random": {"dataset": "IMDB-B", "seeds": 20, "max_epochs": 1000},
    },
}
"""What each profile runs: notebook, then the parameters that differ from the notebook's defaults."""

# Its console script may not be on the path, and the package cannot be run with -m.
_JUPYTER_BOOK = "from jupyter_book.cli.main import main; main()"
_MATHJAX = "sphinx-mathjax-offline/static/mathjax/tex-svg.js"


class BookError(RethinkPoolError):
    """The site could not be built."""


def build_book(profile: str = "quick", *, say: Callable[[str], None] = print) -> Path:
    """Run the profile's notebooks, build the site, and return its first page, ``build/site/index.html``.

    Every warning of the build is an error. ``say`` is told what happens, a line at a time.

    Raises UnknownNameError for an unknown profile, NotebookError when a notebook fails, and BookError when
    the build does.
    """
    if profile not in PROFILES:
        raise UnknownNameError("profile", profile, PROFILES)
    build = project_folder() / "build"
    # On graphs this small threads mostly wait for each other; on a busy machine that is ten times slower.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for name, parameters in PROFILES[profile].items():
        say(f"running notebook {name}")
        run_notebook(name, parameters, output=build / "notebooks" / f"{name}.ipynb")
    say("building the site")
    return build_site(build / "notebooks", build)


def build_site(executed: Path, build: Path) -> Path:
    """Build the site from the pages of ``book/`` and the executed notebooks in ``executed``; nothing is run.

    The sources are laid out in ``build/pages``, the log is ``build/site.log`` and the site ``build/site``,
    replaced only when the new one is complete.

    Raises BookError, which quotes the first warning of a failed build, and DataError when the measurement of the page "How
    fast" is not in ``results/``.
    """
    pages, site, log = build / "pages", build / "site", build / "site.log"
    # Built anew each time: a warning about a page that did not change is a warning all the same.
    shutil.rmtree(pages, ignore_errors=True)
    shutil.rmtree(build / "_build", ignore_errors=True)
    shutil.copytree(project_folder() / "book", pages)
    (pages / "notebooks").mkdir()
    for notebook in sorted(executed.glob("*.ipynb")):
        if notebook.name.count(".") == 1:  # not those that were left running or failed
            shutil.copy2(notebook, pages / "notebooks" / notebook.name)
    write_tables(pages / "tables")
    write_measurement(pages / "tables")
    options = ["-W", "-n", "--keep-going", "--quiet", "--path-output", str(build)]
    with log.open("w", encoding="utf-8") as output:
        command = [sys.executable, "-c", _JUPYTER_BOOK, "build", str(pages), *options]
        ended = subprocess.run(
            command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, "NO_COLOR": "1"}, check=False
        )
    html = build / "_build" / "html"
    if ended.returncode != 0:
        raise BookError(f"the site was not built, {_first_complaint(log)}: see {shown(log)}")
    # Only now: jupyter-book would load every script of its static folder once more on each page.
    (html / "_static" / "mathjax").mkdir()
    shutil.copy2(_mathjax(), html / "_static" / "mathjax")
    move_folder(html, site)
    return site / "index.html"


def _mathjax() -> Path:
    return Path(str(distribution("sphinx-mathjax-offline").locate_file(_MATHJAX)))


def _first_complaint(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    complaints = [line.strip() for line in lines if "WARNING" in line or "ERROR" in line or "Error:" in line]
    return complaints[0] if complaints else "no reason given"
