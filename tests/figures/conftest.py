"""The table of runs of the tests of the analysis, and a record of what is drawn."""

import pytest
from analysis.conftest import runs  # noqa: F401 - a fixture
from matplotlib.axes import Axes


@pytest.fixture
def drawn(monkeypatch):
    """What is drawn, as (method of matplotlib, its positional arguments), in order, without what such a method calls itself."""
    calls, inside = [], []

    def watched(name):
        original = getattr(Axes, name)

        def call(self, *arguments, **options):
            if not inside:
                calls.append((name, arguments))
            inside.append(name)
            try:
                return original(self, *arguments, **options)
            finally:
                inside.pop()

        return call

    for name in ("hlines", "plot", "scatter", "errorbar", "axvspan", "fill_between", "step"):
        monkeypatch.setattr(Axes, name, watched(name))
    return calls
