"""Histograms of datasets."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from rethinkpool_core.datasets.counts import read_counts
from rethinkpool_core.figures.datasets import degree_histograms, size_histogram


def heights_of(monkeypatch, figure):
    """Edges and counts of the bars that ``figure`` draws."""
    from matplotlib.axes import Axes

    found, original = [], Axes.hist

    def hist(self, *arguments, **options):
        counts, edges, bars = original(self, *arguments, **options)
        found.append((counts, edges))
        return counts, edges, bars

    monkeypatch.setattr(Axes, "hist", hist)
    figure()
    return found[0]


@pytest.mark.parametrize("name", ["NCI1", "IMDB-B", "DD"])
def test_every_graph_is_in_a_bar(name, monkeypatch):
    counts = read_counts()[name]
    heights, _ = heights_of(monkeypatch, lambda: size_histogram(counts))
    assert heights.sum() == counts.statistics["num_graphs"]


def test_bars_on_a_logarithmic_axis_do_not_narrow(monkeypatch):
    """IMDB-B has from 12 nodes on: bars of one and of two whole numbers in turn would be a comb."""
    _, edges = heights_of(monkeypatch, lambda: size_histogram(read_counts()["IMDB-B"]))
    assert (np.diff(edges, n=2) >= 0).all() and len(edges) < 60


@pytest.mark.parametrize("name", ["IMDB-B", "PROTEINS", "DD", "MOLHIV"])
def test_a_logarithmic_axis_has_room_for_its_ticks(name):
    svg = size_histogram(read_counts()[name]).svg
    upright = re.findall(r">(\d+)</text>", svg[: svg.index("nodes per graph", svg.index(">"))])
    assert 2 <= len(upright) <= 5


def test_nodes_that_a_logarithmic_axis_cannot_show_are_counted_in_the_caption():
    counts = replace(read_counts()["PROTEINS"], degrees={0: 700, 1: 50, 2: 900, 40: 3})
    (figure,) = degree_histograms([counts]).figures
    assert figure.caption.endswith("Not drawn, as the axis is logarithmic: 700 nodes with 0")
