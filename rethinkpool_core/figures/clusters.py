"""A graph, its clusters in a pooling layer and its coarse graph: pictures, and the static twin of `widgets.clusters`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rethinkpool_core.analysis.assignments import first_assignment, sharpness
from rethinkpool_core.figures.graphs import DrawnGraph, draw_clusters, draw_coarse, draw_nodes
from rethinkpool_core.figures.svg import FigureRow

if TYPE_CHECKING:
    from rethinkpool_core.datasets.dataset import GraphDataset
    from rethinkpool_core.models.base import PoolingModel


def cluster_view(model: PoolingModel, dataset: GraphDataset, number: int) -> FigureRow:
    """Draw graph ``number`` of a dataset, its clusters in the first pooling layer of a model, and the coarse graph of them."""
    graph = DrawnGraph.of(dataset, number)
    nodes = draw_nodes(graph, graph.shades(), f"{dataset.name}, graph {number}: {len(graph.positions)} nodes")
    return FigureRow([nodes, *_clusters_and_coarse(model, dataset, number, graph)])


def cluster_multiples(models: Sequence[PoolingModel], dataset: GraphDataset, number: int) -> FigureRow:
    """Draw the clusters and the coarse graph of one graph for several models, two drawings each."""
    graph = DrawnGraph.of(dataset, number)
    return FigureRow(
        [figure for model in models for figure in _clusters_and_coarse(model, dataset, number, graph)]
    )


def _clusters_and_coarse(model: PoolingModel, dataset: GraphDataset, number: int, graph: DrawnGraph):
    S = first_assignment(model, dataset, number)
    matrix = S.double().numpy()
    return [
        draw_clusters(
            graph,
            matrix,
            f"{model.name}: {len(S)} nodes in {S.shape[1]} clusters, sharpness {sharpness(S):.2g}",
        ),
        draw_coarse(graph, matrix, f"{model.name}: coarse graph"),
    ]
