"""Models on batches of PyG: results come in the order of the graphs in the batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from rethinkpool_core.batching.pyg import batch_from_pyg
from rethinkpool_core.models.trace import Activation, Trace

if TYPE_CHECKING:
    from torch_geometric.data import Data


def forward_pyg(model, data: Data, trace: bool | Trace, auxiliary: bool):
    """Return what `PoolingModel.forward` returns for the same graphs, in the order of ``data``.

    A `Trace` is shown the layers of the graphs sorted by size.
    """
    dtype = next(model.parameters()).dtype
    batch = batch_from_pyg(data, model.shape.in_dim, model.shape.molecules, dtype)
    logits, *rest = model(batch, trace=trace, auxiliary=auxiliary)
    place = batch.graph_id.argsort()
    if trace is True:
        rest[1] = {name: _in_order(one, place) for name, one in rest[1].items()}
    return logits[place], *rest


def _in_order(activation: Activation, place: Tensor) -> Activation:
    if activation.pointer is None:
        return Activation(activation.values[place])
    rows = [activation.of_graph(number) for number in place.tolist()]
    sizes = torch.tensor([0, *(len(one) for one in rows)], device=place.device)
    return Activation(torch.cat(rows), sizes.cumsum(0))
