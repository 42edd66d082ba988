"""README.md says what the committed results say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rethinkpool_core.analysis.tables import cell_scores, comparisons
from rethinkpool_core.experiments.frame import load_results

ROOT = Path(__file__).parents[1]
TEXT = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())


@pytest.fixture(scope="module")
def runs():
    return load_results(ROOT / "results")


def test_distance_from_the_published_scores(runs):
    errors = [abs(score.z_both) for score in cell_scores(runs)]
    count, said = re.findall(r"All (\d+) mean scores are within ([\d.]+) standard errors", TEXT)[0]
    assert len(errors) == int(count)
    assert float(said) - 0.1 < max(errors) < float(said)


def test_differences_and_verdicts(runs):
    pairs = comparisons(runs)
    less, more = re.findall(r"between ([\d.]+) points less and ([\d.]+) points more than its method", TEXT)[0]
    assert f"{-min(pair.difference for pair in pairs):.1f}" == less
    assert f"{max(pair.difference for pair in pairs):.1f}" == more
    assert "all four pairs are undecided" in TEXT
    assert [pair.verdict for pair in pairs] == ["undecided"] * 4
    least, most = re.findall(r"twenty seeds detect differences of ([\d.]+) to ([\d.]+) points", TEXT)[0]
    effects = [pair.minimum_detectable_effect for pair in pairs]
    assert (f"{min(effects):.1f}", f"{max(effects):.1f}") == (least, most)
