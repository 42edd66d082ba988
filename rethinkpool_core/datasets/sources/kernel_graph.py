"""The superpixel graph of the SMNIST benchmark: the 8 strongest neighbours under a Gaussian kernel."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from rethinkpool_core.datasets.ragged import offsets_from_sizes

NEIGHBOURS = 8

_ENTRIES_PER_CHUNK = 1 << 21  # of the padded distance matrices: 16 MB each in float64
_INDEX_BITS = 16


def kernel_graph(position: Tensor, num_nodes: Tensor, neighbours: int = NEIGHBOURS) -> tuple[Tensor, Tensor]:
    r"""Connect every node to its strongest neighbours under a Gaussian kernel.

    With distances :math:`d_{ij}` and :math:`w_i` the mean distance of node i to its 8 nearest,
    :math:`A_{ij} = \exp(-(d_{ij} / w_i)^2)`; A is averaged with its transpose, the diagonal dropped, and each
    node keeps its 8 largest entries (all of them in a graph with fewer). The result is not symmetric.
    Among equals the lower index wins; "equal" is to 1e-11, so that rounding does not decide on a regular
    grid.

    position   ``[nodes, 2]`` coordinates of all graphs, one after the other
    num_nodes  ``[graphs]`` int64, each under 65536

    Returns ``edge_index [2, edges]`` int32 counted within each graph, from the node to its neighbours, sorted by (source,
    target), and the number of edges of each graph ``[graphs]`` int64.
    """
    offsets = offsets_from_sizes(num_nodes)
    edges = []
    for first, last in _chunks(num_nodes):
        nodes = slice(int(offsets[first]), int(offsets[last]))
        edges.append(_connect(position[nodes].to(torch.float64), num_nodes[first:last], neighbours))
    degree = (num_nodes - 1).clamp(0, neighbours)
    return torch.cat(edges, dim=1), num_nodes * degree


def _chunks(num_nodes: Tensor) -> Iterator[tuple[int, int]]:
    """Yield ranges of graphs whose padded matrices have at most so many entries, or of a single larger graph."""
    sizes = num_nodes.tolist()
    first, width = 0, 0
    for graph, size in enumerate(sizes):
        widened = max(width, size)
        if graph > first and (graph - first + 1) * widened**2 > _ENTRIES_PER_CHUNK:
            yield first, graph
            first, widened = graph, size
        width = widened
    if sizes:
        yield first, len(sizes)


def _connect(position: Tensor, num_nodes: Tensor, neighbours: int) -> Tensor:
    n = int(num_nodes.max())
    real = torch.arange(n) < num_nodes[:, None]  # (G, N)
    padded = position.new_zeros(len(num_nodes), n, position.shape[1])
    padded[real] = position
    distance = (padded[:, :, None] - padded[:, None]).square().sum(-1).sqrt()  # (G, N, N)
    pair = real[:, :, None] & real[:, None] & ~torch.eye(n, dtype=torch.bool)

    k = max(0, min(neighbours, n - 1))
    nearest = distance.masked_fill(~pair, torch.inf).topk(k, largest=False).values  # (G, N, k)
    found = nearest.isfinite()
    width = nearest.masked_fill(~found, 0).sum(-1) / found.sum(-1).clamp(min=1)
    width = width.clamp(min=torch.finfo(torch.float64).tiny ** 0.5)  # nodes that all lie on one point
    A = torch.exp(-((distance / width[:, :, None]) ** 2))
    A = (A + A.transpose(1, 2)) / 2

    # Non-negative doubles are ordered like their bits. The last 16 bits are replaced by the index, so that a fast,
    # unstable top-k has no ties left to break in its own way.
    low = (1 << _INDEX_BITS) - 1
    rounded = (A.view(torch.int64) + (low + 1) // 2) & ~low
    key = (rounded | (low - torch.arange(n))).masked_fill(~pair, -1)
    best = key.topk(k).values  # (G, N, k)
    target = torch.where(best >= 0, low - (best & low), n).sort(-1).values
    kept = target < n
    source = torch.arange(n)[None, :, None].expand_as(target)
    return torch.stack([source[kept], target[kept]]).to(torch.int32)
