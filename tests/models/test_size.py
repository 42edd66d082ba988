"""Sizes of models without the data: against counts by hand, built models and their reference implementations."""

from __future__ import annotations

from itertools import pairwise
from math import ceil

import pytest
import torch

from rethinkpool_core.batching.batch import BatchBuilder
from rethinkpool_core.datasets import load_dataset
from rethinkpool_core.datasets.counts import read_counts
from rethinkpool_core.models.base import Shape, build
from rethinkpool_core.models.build import build_model, model_config
from rethinkpool_core.models.names import MODELS
from rethinkpool_core.models.registry import find_model
from rethinkpool_core.models.size import model_size, shape_of_counts
from rethinkpool_core.paper import settings
from rethinkpool_core.reference.build import OVERRIDES, REFERENCE_MODELS, reference_class

WITHOUT_MOLECULES = [name for name in read_counts() if name != "MOLHIV"]


def affine(i: int, o: int) -> int:
    return i * o + o


def conv(i: int, o: int) -> int:
    """Equation 1: two matrices and a bias."""
    return 2 * i * o + o


@pytest.mark.parametrize("dataset", WITHOUT_MOLECULES)
def test_graclus_by_hand(dataset):
    counts = read_counts()[dataset]
    row = settings("GRACLUS", dataset)
    D, L = row["hidden_dim"], row["num_layers"]
    wanted = (
        conv(counts.num_features, D) + (L - 1) * conv(D, D) + affine(D, D) + affine(D, counts.num_classes)
    )
    for model in ("GRACLUS", "COMPLEMENT", "NO-POOL"):
        assert model_size(model, counts).parameters == wanted


@pytest.mark.parametrize("dataset", WITHOUT_MOLECULES)
def test_mincutpool_by_hand(dataset):
    counts = read_counts()[dataset]
    D = settings("MINCUTPOOL", dataset)["hidden_dim"]
    K = ceil(counts.max_nodes / 2), ceil(ceil(counts.max_nodes / 2) / 2)
    around = conv(counts.num_features, D) + 2 * conv(D, D) + affine(D, D) + affine(D, counts.num_classes)
    method, twin = model_size("MINCUTPOOL", counts), model_size("N-MINCUTPOOL", counts)
    assert method.clusters == twin.clusters == K
    assert method.parameters == around + affine(D, K[0]) + affine(D, K[1])
    assert (twin.parameters, twin.random) == (around, counts.max_nodes * K[0] + K[0] * K[1])


@pytest.mark.parametrize("dataset", WITHOUT_MOLECULES)
def test_gmn_by_hand(dataset):
    counts = read_counts()[dataset]
    row = settings("GMN", dataset)
    H, D = row["num_heads"], row["hidden_dim"]
    widths = [64] + [D] * len(row["num_keys"])
    rest = (
        conv(counts.num_features, 64) + conv(64, 64) + 2 * 64 + affine(D, 50) + affine(50, counts.num_classes)
    )
    rest += sum(affine(i, o) for i, o in pairwise(widths))
    heads = (H if H > 1 else 0) * len(row["num_keys"])
    keys = sum(H * K * i for K, i in zip(row["num_keys"], widths, strict=False))
    assert model_size("GMN", counts).parameters == rest + heads + keys
    distance = model_size("DISTANCE-GMN", counts)
    assert (distance.parameters, distance.random) == (rest + heads, keys)
    assert model_size("RANDOM-GMN", counts).parameters == rest


@pytest.mark.parametrize("model", MODELS)
def test_size_is_that_of_the_built_model(model):
    digits = load_dataset("DIGITS")
    counts = read_counts()["DIGITS"]
    assert shape_of_counts(counts) == Shape.of(digits)
    built = build_model(model, digits)
    size = model_size(model, counts)
    assert size.parameters == sum(parameter.numel() for parameter in built.parameters())
    _, _, layers = built(BatchBuilder(digits)(torch.tensor([0, 1])), trace=True)
    if size.clusters:
        shown = [
            layers[f"assignment {level}"].values.shape[-1] for level, _ in enumerate(size.clusters, start=1)
        ]
        assert tuple(shown) == size.clusters


@pytest.mark.parametrize("dataset", ["ZINC", "PROTEINS"])
@pytest.mark.parametrize("model", REFERENCE_MODELS)
def test_reference_implementation_has_as_many(model, dataset):
    counts = read_counts()[dataset]
    config = model_config(model, counts.spec, **OVERRIDES.get(model, {}))
    reference = reference_class(model)(shape_of_counts(counts), config)
    ours = build(find_model(model).cls, shape_of_counts(counts), config, 0)
    plain = sum(parameter.numel() for parameter in reference.parameters())
    assert plain == sum(parameter.numel() for parameter in ours.parameters())
    assert model_size(model, counts, **OVERRIDES.get(model, {})).parameters == plain
