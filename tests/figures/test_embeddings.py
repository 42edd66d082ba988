"""Figures S2 to S13 hold the matrices, the numbers of nodes and the spreads that they are given."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from rethinkpool_core.analysis.activations import LayerSpread, TracedGraph, TracedRun
from rethinkpool_core.figures.embeddings import embedding_figure, spread_profiles
from rethinkpool_core.figures.heat_maps import heat_map

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def traced() -> TracedRun:
    generator = np.random.default_rng(0)
    graphs = [
        TracedGraph(
            number, {"conv 1": generator.normal(size=(n, 4)), "memory 1": generator.normal(size=(1, 2))}
        )
        for number, n in ((7, 5), (2, 9))
    ]
    spreads = [LayerSpread("conv 1", 0.25, 0.05, 30), LayerSpread("memory 1", None, None, 0)]
    return TracedRun({"model": "GMN", "dataset": "NCI1", "seed": 1}, spreads, graphs)


def test_matrices_of_every_graph_and_layer_in_order(traced):
    root = ElementTree.fromstring(embedding_figure(traced).svg)
    images = root.findall(f"{SVG}image")
    expected = [heat_map(values) for graph in traced.graphs for values in graph.layers.values()]
    assert [image.get("href") for image in images] == expected
    assert len({(image.get("width"), image.get("height")) for image in images}) == 1
    assert {image.get("preserveAspectRatio") for image in images} == {"none"}


def test_nodes_in_brackets_and_spread_per_layer(traced):
    texts = [one.text for one in ElementTree.fromstring(embedding_figure(traced).svg).findall(f"{SVG}text")]
    assert [text for text in texts if text.startswith("[")] == ["[5]", "[1]", "[9]", "[1]"]
    assert {"conv 1", "memory 1", "0.25", "–", "7", "2"} <= set(texts)


def test_caption_names_the_run_and_is_the_alternative_text(traced):
    figure = embedding_figure(traced)
    assert figure.caption.startswith("GMN on NCI1: 2 test graphs") and "0.25 after conv 1" in figure.caption
    assert re.search(r'<svg role="img" aria-label="GMN on NCI1', figure.svg)


def test_profile_has_the_layers_with_a_spread(traced, drawn, monkeypatch):
    (figure,) = spread_profiles([traced]).figures
    ((_, (x, means, bars)),) = [call for call in drawn if call[0] == "errorbar"]
    assert means.tolist() == [0.25] and bars.tolist() == [[0.05], [0.05]] and len(x) == 1
    assert "conv 1" in figure.svg and "memory 1" not in figure.svg
