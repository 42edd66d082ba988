"""A site built once for all tests of the book, from notebooks run with small parameters."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
def executed(tmp_path_factory) -> Path:
    """A folder with all notebooks, executed in the profile "tiny"."""
    from rethinkpool_core.site.notebooks import profile_parameters, run_notebook

    folder = tmp_path_factory.mktemp("executed")
    before = os.environ.get("RETHINKPOOL_DATA")
    os.environ["RETHINKPOOL_DATA"] = str(tmp_path_factory.mktemp("data"))
    try:
        for name, parameters in profile_parameters("tiny").items():
            run_notebook(name, parameters, output=folder / f"{name}.ipynb")
    finally:
        if before is None:
            del os.environ["RETHINKPOOL_DATA"]
        else:
            os.environ["RETHINKPOOL_DATA"] = before
    return folder


@pytest.fixture(scope="session")
def site(executed, tmp_path_factory) -> Path:
    """The folder of the built site."""
    from rethinkpool_core.site.build import build_site

    return build_site(executed, tmp_path_factory.mktemp("build")).parent


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
