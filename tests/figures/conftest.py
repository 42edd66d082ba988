"""The table of runs of the tests of the analysis."""

from analysis.conftest import runs  # noqa: F401 - a fixture
