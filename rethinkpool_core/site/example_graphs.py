"""Graphs that stand in for a reader's own in the notebook on their data; none needs a download."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkpool_core.errors import UnknownNameError

if TYPE_CHECKING:
    from torch_geometric.data import Data

EXAMPLES = ("DIGITS", "FakeDataset", "ExplainerDataset")


def example_graphs(name: str, root: str | None = None) -> list[Data]:
    """Return graphs as PyG has them.

    name  "DIGITS"; "FakeDataset", random graphs of PyG whose features depend on the class; or "ExplainerDataset", random graphs
          of PyG without features, to which three houses (class 0) or three cycles (class 1) are attached
    root  data folder of "DIGITS"; by default the usual one

    PyG draws its graphs from the global random states, which are seeded here.

    Raises UnknownNameError for another name.
    """
    if name == "DIGITS":
        from rethinkpool_core import load_dataset

        return load_dataset(name, root or None).to_pyg()
    if name not in EXAMPLES:
        raise UnknownNameError("example", name, EXAMPLES)
    from torch_geometric import seed_everything
    from torch_geometric.datasets import FakeDataset

    seed_everything(0)
    if name == "FakeDataset":
        return list(FakeDataset(num_graphs=60, avg_num_nodes=20, avg_degree=3, num_channels=4, num_classes=2))
    return _motifs(graphs=30)


def _motifs(graphs: int) -> list[Data]:
    import torch
    from torch_geometric.datasets import ExplainerDataset
    from torch_geometric.datasets.graph_generator import BAGraph
    from torch_geometric.datasets.motif_generator import CycleMotif, HouseMotif

    found = []
    for label, motif in enumerate((HouseMotif(), CycleMotif(5))):
        for graph in ExplainerDataset(BAGraph(20, 2), motif, num_motifs=3, num_graphs=graphs):
            graph.y = torch.tensor([label])  # PyG has a class per node
            found.append(graph)
    return found
