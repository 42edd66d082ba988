"""Clusters and coarse graphs of a model's first pooling layer, drawn."""

from __future__ import annotations

import pytest
import torch

from rethinkpool_core.analysis.assignments import first_assignment, sharpness
from rethinkpool_core.errors import UsageError
from rethinkpool_core.figures.clusters import cluster_multiples, cluster_view
from rethinkpool_core.models import build_model


def test_assignment_is_that_of_the_trace(small):
    model = build_model("MINCUTPOOL", small.dataset).double()
    batch = small.batch([6])
    with torch.no_grad():
        expected = model.eval()(batch, trace=True)[2]["assignment 1"].values
    model.train()
    found = first_assignment(model, small.dataset, 6)
    torch.testing.assert_close(found, expected)
    assert model.training, "the model is left as it was"


def test_matching_has_one_cluster_per_node(small):
    S = first_assignment(build_model("GRACLUS", small.dataset), small.dataset, 6)
    assert S.sum(1).tolist() == [1] * len(S) and set(S.flatten().tolist()) == {0, 1} and sharpness(S) == 1


def test_model_without_pooling_is_refused(small):
    with pytest.raises(UsageError, match="NO-POOL has no pooling layer"):
        first_assignment(build_model("NO-POOL", small.dataset), small.dataset, 0)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[0.25, 0.25, 0.25, 0.25]], 0),
        ([[0, 1.0], [1.0, 0]], 1),
        ([[0.5, 0.5], [1.0, 0.0]], 0.5),
        ([[1.0], [1.0]], 1),
    ],
)
def test_sharpness_goes_from_uniform_to_decided(rows, expected):
    assert sharpness(torch.tensor(rows)) == pytest.approx(expected)


def test_captions_say_what_is_drawn(small):
    models = [build_model(name, small.dataset) for name in ("GRACLUS", "MINCUTPOOL")]
    captions = [figure.caption for figure in cluster_multiples(models, small.dataset, 7).figures]
    assert captions[0].startswith("GRACLUS: 10 nodes in ") and captions[1].startswith("GRACLUS: coarse graph")
    assert captions[2].startswith("MINCUTPOOL: 10 nodes in 7 clusters, sharpness ")
    first, *others = cluster_view(models[0], small.dataset, 7).figures
    assert first.caption == "DIGITS, graph 7: 10 nodes" and [one.caption for one in others] == captions[:2]


def test_graph_that_does_not_exist(small):
    with pytest.raises(UsageError, match="has no graph 99: give a number from 0 to 8"):
        cluster_view(build_model("GRACLUS", small.dataset), small.dataset, 99)
