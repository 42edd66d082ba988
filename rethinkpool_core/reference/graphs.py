"""A dataset as a list of PyG's `Data`, and loaders over it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.loader import DataLoader, PrefetchLoader

from rethinkpool_core.datasets.dataset import GraphDataset


def graph_list(dataset: GraphDataset, dtype: torch.dtype = torch.float32) -> list[Data]:
    """Return one `Data` per graph with encoded features, and with no more than plain models need."""
    return [Data(x=one.x, edge_index=one.edge_index, y=one.y) for one in dataset.to_pyg(dtype)]


def loader(
    graphs: list[Data], index: Tensor, batch_size: int, device: torch.device, *, shuffle: bool = False
) -> DataLoader | PrefetchLoader:
    """Return a loader of batches of the graphs ``index`` on ``device``."""
    batches = DataLoader(
        [graphs[number] for number in index.tolist()], batch_size=batch_size, shuffle=shuffle
    )
    return batches if device.type == "cpu" else PrefetchLoader(batches, device)
