"""The names that the package offers, and an install without the extra that some of them need."""

from __future__ import annotations

import subprocess
import sys

import pytest

import rethinkpool_core

# As in an install without them: a finder that comes first and finds none of these.
WITHOUT = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
import rethinkpool_core
"""
TRY = """
from rethinkpool_core.errors import RethinkPoolError
try:
    {call}
except RethinkPoolError as error:
    print(error)
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_every_name_is_there():
    for name in rethinkpool_core.__all__:
        assert getattr(rethinkpool_core, name) is not None and name in dir(rethinkpool_core)
    with pytest.raises(AttributeError, match="run_girds"):
        rethinkpool_core.run_girds  # noqa: B018


def test_importing_the_package_is_light():
    heavy = ("torch", "numpy", "pandas", "pyarrow", "typer")
    done = run(f"import sys, rethinkpool_core; print([name for name in {heavy} if name in sys.modules])")
    assert done.stdout == "[]\n", done.stderr


ALL = ("bokeh", "distributed", "filelock", "pandas", "pyarrow", "scipy", "statsmodels")


@pytest.mark.parametrize(
    ("call", "blocked", "missing"),
    [
        ("rethinkpool_core.run_grid", ALL, "run_grid needs pyarrow"),
        ("rethinkpool_core.load_results", ALL, "load_results needs pyarrow"),
        ("from rethinkpool_core import run_grid", ALL, "run_grid needs pyarrow"),
        ("rethinkpool_core.load_results('no store')", ("pandas",), "load_results needs pandas"),
        (
            "rethinkpool_core.run_grid('smoke', 'store', device='cpu')",
            ("distributed",),
            "run_grid needs distributed",
        ),
    ],
)
def test_without_the_extra_one_sentence_names_it(call, blocked, missing, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(WITHOUT.format(blocked=blocked) + TRY.format(call=call))
    assert done.stdout == f"{missing}, which is not installed: pip install 'rethinkpool[experiments]'\n", (
        done.stderr
    )


def test_without_the_extra_the_rest_works():
    done = run(WITHOUT.format(blocked=ALL) + "print(rethinkpool_core.train, rethinkpool_core.build_model)")
    assert done.stdout.startswith("<function train"), done.stderr
