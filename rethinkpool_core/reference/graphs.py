"""A dataset as a list of PyG's `Data`, and loaders over it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.loader import DataLoader, PrefetchLoader

from rethinkpool_core.datasets.features import encode


def graph_list(dataset, dtype: torch.dtype = torch.float32) -> list[Data]:
    """Return one `Data` per graph, with encoded features."""
    graphs = []
    for number in range(dataset.store.num_graphs):
        x, edge_index, _, y = dataset.store.graph(number)
        y = y.to(dtype) if y.is_floating_point() else y
        x = encode(x, dataset).to(dtype)
        graphs.append(Data(x=x, edge_index=edge_index.long().contiguous(), y=y.reshape(1)))
    return graphs


def loader(
    graphs: list[Data], index: Tensor, batch_size: int, device: torch.device, *, shuffle: bool = False
) -> DataLoader | PrefetchLoader:
    """Return a loader of batches of the graphs ``index`` on ``device``."""
    batches = DataLoader(
        [graphs[number] for number in index.tolist()], batch_size=batch_size, shuffle=shuffle
    )
    return batches if device.type == "cpu" else PrefetchLoader(batches, device)
