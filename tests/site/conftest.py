"""A site built once for all tests of the book, from notebooks run with small parameters."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Callable, Iterator
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from browser_visit import Visit, visit
from filelock import FileLock

# Without these the browser asks its maker's hosts in the background.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="session")
def made_once(tmp_path_factory, worker_id) -> Callable[[str, Callable[[Path], object]], Path]:
    """``made_once(name, make)`` is a folder that ``make`` has filled; of several test processes one makes it, the others wait."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent  # of pytest-xdist's workers

    def get(name: str, make: Callable[[Path], object]) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        with FileLock(shared / f"{name}.lock"):
            if not done.exists():
                folder.mkdir(exist_ok=True)
                make(folder)
                done.touch()
        return folder

    return get


@pytest.fixture(scope="session")
def executed(made_once, tmp_path_factory) -> Path:
    """A folder with all notebooks, executed in the profile "tiny"."""
    return made_once("executed", lambda folder: execute_all(folder, tmp_path_factory.mktemp("data")))


def execute_all(folder: Path, data: Path) -> None:
    from rethinkpool_core.site.notebooks import profile_parameters, run_notebook

    before = os.environ.get("RETHINKPOOL_DATA")
    os.environ["RETHINKPOOL_DATA"] = str(data)
    try:
        for name, parameters in profile_parameters("tiny").items():
            run_notebook(name, parameters, output=folder / f"{name}.ipynb")
    finally:
        if before is None:
            del os.environ["RETHINKPOOL_DATA"]
        else:
            os.environ["RETHINKPOOL_DATA"] = before


@pytest.fixture(scope="session")
def site(made_once, executed) -> Path:
    """The folder of the built site."""
    from rethinkpool_core.site.build import build_site

    return made_once("build", lambda folder: build_site(executed, folder)) / "site"


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium."""
    if not CHROMIUM.exists():
        pytest.skip("there is no Chromium on this machine (Debian: chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=CHROMIUM_FLAGS)
        yield started
        started.close()


class _Handler(SimpleHTTPRequestHandler):
    """Serves files without a line per request."""

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def served(site, tmp_path_factory) -> Iterator[str]:
    """The address of the site in a folder of a web server, as on the pages of a project; it ends with a slash."""
    root = tmp_path_factory.mktemp("served")
    (root / "some").mkdir()
    (root / "some" / "book").symlink_to(site)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(root))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/some/book/"
        server.shutdown()


@pytest.fixture(scope="session")
def visited(browser, site, made_once) -> Callable[[str], Visit]:
    """``visited(page)`` is what is seen on a page. Each is opened once, by one test process."""

    def open_page(page: str, folder: Path) -> None:
        seen = visit(browser, (site / f"{page}.html").as_uri())
        (folder / "seen").write_bytes(pickle.dumps(seen))

    @cache
    def seen(page: str) -> Visit:
        folder = made_once(f"visit {page.replace('/', ' ')}", lambda folder: open_page(page, folder))
        return pickle.loads((folder / "seen").read_bytes())

    return seen
