r"""How alike the nodes of a graph are after a layer (Appendix E): the relative spread of their features.

For the rows :math:`x_1, \dots, x_n` of a graph with mean :math:`\bar x`,

.. math:: \frac{\sum_i |x_i - \bar x|^2}{\sum_i |x_i|^2} = 1 - \frac{|\bar x|^2}{\frac{1}{n} \sum_i |x_i|^2} .

It is 0 where all nodes have the same features and at most 1. It depends neither on the scale of the features nor on the edges,
so layers before and after pooling can be compared.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rethinkpool_core.models.trace import Activation


def relative_spread(activation: Activation, num_graphs: int) -> Tensor:
    """Return the relative spread of the rows of each graph of a batch, (B,) in float64.

    num_graphs    B; in ragged rows a dummy graph with the padding follows

    NaN for a graph with fewer than two nodes, and where all features are 0: there is nothing to compare.
    """
    values = activation.values.double()
    if activation.pointer is None:
        sizes = torch.full(values.shape[:1], values.shape[1], device=values.device)
        means, squares = values.mean(1), values.square().sum(-1).mean(1)
        centred = (values - means.unsqueeze(1)).square().sum(-1).mean(1)
    else:
        pointer = activation.pointer[: num_graphs + 1]
        sizes, values = pointer.diff(), values[: int(pointer[-1])]
        graph = torch.repeat_interleave(torch.arange(len(sizes), device=values.device), sizes)
        means = _graph_means(values, graph, sizes)
        squares = _graph_means(values.square().sum(-1, keepdim=True), graph, sizes).squeeze(-1)
        centred = _graph_means((values - means[graph]).square().sum(-1, keepdim=True), graph, sizes).squeeze(
            -1
        )
    return torch.where((sizes > 1) & (squares > 0), centred / squares, torch.nan)


def _graph_means(rows: Tensor, graph: Tensor, sizes: Tensor) -> Tensor:
    sums = rows.new_zeros(len(sizes), rows.shape[-1]).index_add_(0, graph, rows)
    return sums / sizes.clamp(min=1).unsqueeze(-1)
