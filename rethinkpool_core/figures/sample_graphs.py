"""Drawings of a few graphs of a dataset, from its data or from the committed ``results/sample-graphs.json``.

The file has what is drawn and no more: edges, coordinates, and one label or shade per node. A site that is built without the data
shows these graphs.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rethinkpool_core.errors import DataError
from rethinkpool_core.figures.layout import lay_out
from rethinkpool_core.figures.svg import COLOURS, INK, FigureRow, SvgFigure, draw_svg
from rethinkpool_core.files.atomic import write_file
from rethinkpool_core.files.folders import clone_folder

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rethinkpool_core.datasets.dataset import GraphDataset
    from rethinkpool_core.datasets.spec import DatasetSpec

FILE = "sample-graphs.json"
PERCENTILES = (20, 40, 60, 80)
"""Sizes of the graphs that are drawn, among those of their class."""

_WIDTH = 2.6  # inches


@dataclass(frozen=True)
class SampleGraph:
    """One graph as it is drawn.

    number     of the graph in the dataset
    target     its class or regression target
    labels     one integer per node, or a shade from 0 to 1; empty if nodes have neither
    edges      pairs of nodes, each once
    positions  two coordinates per node
    """

    number: int
    target: float
    labels: Sequence[float]
    edges: Sequence[Sequence[int]]
    positions: Sequence[Sequence[float]]


def choose_samples(dataset: GraphDataset) -> list[int]:
    """Return the numbers of four graphs from small to large: at the percentiles `PERCENTILES` of the sizes of their class.

    Their classes alternate, or are spread over all classes if there are more than four.
    """
    sizes, y = dataset.store.num_nodes.numpy(), dataset.store.y.numpy().ravel()
    classes = np.zeros(len(y), dtype=np.int64) if dataset.spec.task == "regression" else y.astype(np.int64)
    count = len(PERCENTILES)
    names = np.unique(classes)
    chosen: list[int] = []
    for turn, percentile in enumerate(PERCENTILES):
        wanted = names[turn * len(names) // count if len(names) > count else turn % len(names)]
        members = np.flatnonzero(classes == wanted)
        members = members[~np.isin(members, chosen)]
        by_size = members[np.argsort(sizes[members], kind="stable")]
        chosen.append(int(by_size[percentile * (len(by_size) - 1) // 100]))
    return chosen


def sample_graphs(dataset: GraphDataset) -> list[SampleGraph]:
    """Return the graphs of `choose_samples`, laid out where their nodes have no coordinates."""
    return [_sample(dataset, number) for number in choose_samples(dataset)]


def _sample(dataset: GraphDataset, number: int) -> SampleGraph:
    stored, edge_index, _, y = dataset.store.graph(number)
    x = stored.numpy()
    edges = np.unique(np.sort(edge_index.numpy().astype(np.int64).T, axis=1), axis=0)
    if dataset.spec.has_coordinates:
        positions = np.stack([x[:, 2], -x[:, 1]], axis=1).astype(np.float64)
        labels = x[:, 0].astype(np.float64).round(2).tolist()
    else:
        positions = lay_out(len(x), edges)
        labelled = dataset.spec.features in ("one_hot", "categorical")
        labels = x[:, 0].astype(np.int64).tolist() if labelled else []
    return SampleGraph(number, round(float(y), 2), labels, edges.tolist(), positions.round(2).tolist())


def samples_file() -> Path:
    """Return the committed file of sample graphs (raises DataError where there is no clone)."""
    folder = clone_folder()
    if folder is None:
        raise DataError(f"results/{FILE} is not here: run this inside a clone of the repository")
    return folder / "results" / FILE


def read_samples(path: Path | None = None) -> dict[str, list[SampleGraph]]:
    """Return sample graphs by name of the dataset, from ``path`` or from the committed file (raises DataError)."""
    path = samples_file() if path is None else path
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {name: [SampleGraph(**graph) for graph in graphs] for name, graphs in found.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"the sample graphs in {path} cannot be read ({reason}): write them with 'rethinkpool data count'"
        ) from None


def write_samples(samples: Mapping[str, Sequence[SampleGraph]], path: Path) -> None:
    """Write sample graphs as JSON, one line per graph (raises StorageError)."""
    blocks = []
    for name in sorted(samples):
        lines = [f"  {json.dumps(asdict(graph), separators=(',', ':'))}" for graph in samples[name]]
        blocks.append(f" {json.dumps(name)}: [\n" + ",\n".join(lines) + "\n ]")
    write_file(path, ("{\n" + ",\n".join(blocks) + "\n}\n").encode())


def draw_samples(spec: DatasetSpec, samples: Sequence[SampleGraph]) -> FigureRow:
    """Draw sample graphs of a dataset side by side.

    The most frequent node labels of the drawn graphs have colours, the commonest that of the text; other labels are white. Nodes
    with an intensity are shaded from dark (0) to bright (1).
    """
    common = Counter(label for graph in samples for label in graph.labels).most_common(len(COLOURS) + 1)
    colours = {label: (INK, *COLOURS)[rank] for rank, (label, _) in enumerate(common)}
    height = max(_height(graph) for graph in samples)
    return FigureRow([_drawing(spec, graph, colours, height) for graph in samples])


def _height(graph: SampleGraph) -> float:
    """Return the height in inches that the drawing needs at a width of `_WIDTH`."""
    across, up = np.ptp(np.array(graph.positions), axis=0)
    return float(np.clip(_WIDTH * (up + 1) / (across + 1), _WIDTH / 3, _WIDTH))


def _drawing(spec: DatasetSpec, graph: SampleGraph, colours: Mapping[float, str], height: float) -> SvgFigure:
    positions = np.array(graph.positions)
    target = f"target {graph.target:.2f}" if spec.task == "regression" else f"class {graph.target:.0f}"
    size = float(np.clip(1500 / len(positions), 5, 46))

    def paint(axes: Axes) -> None:
        from matplotlib.collections import LineCollection

        lines = positions[np.array(graph.edges, dtype=np.int64).reshape(-1, 2)]
        axes.add_collection(LineCollection(lines, colors=INK, linewidths=0.7, alpha=0.45, zorder=1))
        if spec.has_coordinates:
            dots = {"c": graph.labels, "cmap": "viridis", "vmin": 0, "vmax": 1}
        elif graph.labels:
            dots = {"color": [colours.get(label, "white") for label in graph.labels]}
        else:
            dots = {"color": COLOURS[0]}
        axes.scatter(*positions.T, s=size, zorder=2, edgecolors=INK, linewidths=0.4, **dots)
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_axis_off()
        axes.margins(0.08)

    nodes = f"{len(positions)} node{'s' if len(positions) != 1 else ''}"
    caption = f"{spec.name}, graph {graph.number}: {target}, {nodes}"
    return draw_svg(paint, caption, width=_WIDTH, height=height)
