"""Sizes of models on datasets that need not be here: numbers of clusters and of parameters, from the counts of a dataset."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from rethinkpool_core.datasets.counts import DatasetCounts
from rethinkpool_core.models.base import PoolingModel, Shape, build
from rethinkpool_core.models.build import model_config
from rethinkpool_core.models.diffpool import cluster_numbers
from rethinkpool_core.models.registry import find_model


@dataclass(frozen=True)
class ModelSize:
    """Size of a model on a dataset.

    clusters    clusters of each pooling layer; empty for models that pool by matchings, or not at all
    parameters  number of learned numbers
    random      number of entries of fixed random matrices (assignments or keys)
    """

    clusters: tuple[int, ...]
    parameters: int
    random: int


def model_size(name: str, counts: DatasetCounts, **overrides) -> ModelSize:
    """Return the size of the model ``name`` on the dataset that was counted; no weight is drawn (raises as `build_model`)."""
    config = model_config(name, counts.spec, **overrides)
    with torch.device("meta"):
        model = build(find_model(name).cls, shape_of_counts(counts), config, seed=0)
    return ModelSize(_clusters(config, counts.max_nodes), _learned(model), _fixed(model))


def shape_of_counts(counts: DatasetCounts) -> Shape:
    """Return what a model needs to know about the dataset, as ``Shape.of`` of the loaded dataset."""
    molecules = counts.spec.features == "categorical"
    return Shape(counts.num_features, counts.num_classes, counts.max_nodes, counts.mean_nodes, molecules)


def _clusters(config, max_nodes: int) -> tuple[int, ...]:
    if hasattr(config, "num_keys"):
        return config.num_keys
    if hasattr(config, "cluster_ratio"):
        return tuple(clusters for _, clusters in cluster_numbers(config, max_nodes))
    return ()


def _learned(model: PoolingModel) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def _fixed(model: PoolingModel) -> int:
    ends = (".random", ".keys")
    return sum(buffer.numel() for name, buffer in model.named_buffers() if name.endswith(ends))
