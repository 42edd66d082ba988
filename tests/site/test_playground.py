"""The playground in a real Jupyter server: a browser runs the notebook and uses its widgets."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from rethinkpool_core.figures.svg import COLOURS

ROOT = Path(__file__).parents[2]
TOKEN = "playground"
PATIENCE = 120_000  # ms, for a machine that is busy


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Address of a Jupyter server whose folder has nothing but the playground; its settings are in a folder of its own."""
    pytest.importorskip("jupyterlab")
    folder, home = tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("home")
    shutil.copy2(ROOT / "notebooks" / "z_playground.ipynb", folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "RETHINKPOOL_DATA": str(home / "data"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "share"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
    }
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}", "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder}",
    ]  # fmt: skip
    log = home / "log"
    with log.open("w") as output:
        started = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            address = f"http://127.0.0.1:{port}"
            while not _answers(f"{address}/api?token={TOKEN}"):
                assert started.poll() is None, log.read_text()
                time.sleep(0.2)
            yield address
        finally:
            started.terminate()
            started.wait(60)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=10):
            return True
    except OSError:
        return False


@pytest.fixture(scope="module")
def tab(browser, server):
    """The playground after all its cells have run, and the addresses outside this machine that it asked for."""
    tab = browser.new_page(viewport={"width": 1400, "height": 1000})
    tab.set_default_timeout(PATIENCE)
    tab.outside = []
    tab.on("request", lambda one: tab.outside.append(one.url) if not _is_local(one.url, server) else None)
    tab.goto(f"{server}/lab/tree/z_playground.ipynb?token={TOKEN}")
    tab.wait_for_selector(".jp-Notebook .jp-CodeCell")
    tab.wait_for_selector("text=| Idle")  # what is run before the kernel answers is not run at all
    tab.get_by_role("menuitem", name="Run", exact=True).click()
    tab.get_by_text("Run All Cells", exact=True).click()
    tab.wait_for_selector("text=seeds, paired by split")  # what the last cell shows
    yield tab
    tab.close()


def _is_local(address: str, server: str) -> bool:
    return address.startswith((server, server.replace("http", "ws"), "data:", "blob:"))


def output_with(tab, label: str):
    """The output whose controls have this label."""
    return tab.locator(".jp-OutputArea-output", has=tab.locator("label", has_text=re.compile(f"^{label}$")))


def select(output, label: str):
    return output.locator(".widget-dropdown", has_text=label).locator("select")


@pytest.mark.slow
def test_choosing_another_method_changes_the_picture(tab):
    output = output_with(tab, "method")
    captions = output.locator("figcaption")
    captions.first.wait_for()
    before = output.locator("figure").nth(1).inner_html()
    assert captions.nth(1).inner_text().startswith("GRACLUS: ")
    select(output, "method").select_option("COMPLEMENT")
    output.get_by_text("COMPLEMENT: coarse graph").wait_for()
    assert captions.nth(1).inner_text().startswith("COMPLEMENT: ")
    assert output.locator("figure").nth(1).inner_html() != before


@pytest.mark.slow
def test_curve_moves_until_stop(tab):
    output = output_with(tab, "model")
    select(output, "model").select_option("N-DIFFPOOL")
    output.locator("input").fill("5000")
    output.locator("input").press("Tab")
    train, stop = output.get_by_role("button", name="Train"), output.get_by_role("button", name="Stop")
    train.click()
    caption, strokes = output.locator("figcaption"), []
    for epochs in (2, 4):
        _wait(lambda epochs=epochs: caption.count() and _epochs(caption.inner_text()) >= epochs)
        strokes.append(_strokes(output))
    assert 0 < strokes[0] < strokes[1]
    assert train.is_disabled()
    stop.click()
    at_stop = _epochs(caption.inner_text())
    status = output.get_by_text(re.compile(r"^Stopped after \d+ epochs\.$"))
    status.wait_for()
    ended = _epochs(status.inner_text().replace("Stopped after ", ": "))
    assert _epochs(caption.inner_text()) == ended and at_stop <= ended < 100
    assert stop.is_disabled() and train.is_enabled()
    time.sleep(2)
    assert _epochs(caption.inner_text()) == ended, "the curve moves on after Stop"


def _wait(happened) -> None:
    deadline = time.monotonic() + PATIENCE / 1000
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _epochs(text: str) -> int:
    return int(re.search(r": (\d+) epoch", text)[1])


def _strokes(output) -> int:
    """Number of straight strokes of the curve, which is the first thing drawn in its colour."""
    curve = output.locator(f'figure svg path[style*="stroke: {COLOURS[0]}"]').first
    return len(re.findall(r"\bL\b", curve.get_attribute("d")))


@pytest.mark.slow
def test_fewer_seeds_change_sentence_and_picture(tab):
    output = output_with(tab, "seeds")
    words, picture = output.locator("p"), output.locator("figure")
    before = words.inner_text(), picture.inner_html()
    slider = output.locator(".noUi-handle")
    slider.focus()
    slider.press("Home")
    output.get_by_text("over 2 seeds").wait_for()
    assert (words.inner_text(), picture.inner_html()) != before and "2 to 2 seeds" in picture.inner_text()


@pytest.mark.slow
def test_nothing_is_asked_of_another_machine(tab):
    assert tab.outside == []


def test_the_site_shows_the_static_twins_alone(executed):
    """Widgets need a kernel, and their state a script of another host: the executed copy for the site has neither."""
    notebook = json.loads((executed / "z_playground.ipynb").read_text(encoding="utf-8"))
    kinds = {
        kind for cell in notebook["cells"] for one in cell.get("outputs", ()) for kind in one.get("data", ())
    }
    assert "text/html" in kinds and not any("widget" in kind for kind in kinds)
    assert "widgets" not in notebook["metadata"]
    figures = "".join(str(one) for cell in notebook["cells"] for one in cell.get("outputs", ())).count("<svg")
    assert figures > 6
