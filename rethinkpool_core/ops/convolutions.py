"""Graph convolutions, the same module for ragged rows and for pooled graphs: ``A`` is anything with ``A @ X``.

PyG has each of them twice, sparse and dense, and its own as of 2020 no longer; the tests hold these against PyG's.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rethinkpool_core.engine.affine import Linear, affine, by_replica, side_by_side
from rethinkpool_core.engine.products import Layout, pool_fixed
from rethinkpool_core.ops.molecules import BOND_DIMS, CategoryEmbedding


class GraphConv(nn.Module):
    r"""Equation 1's basic convolution, :math:`A X W_1 + X W_2 + b` (sum over neighbours), and ReLU if asked for.

    x (..., N, in_dim), A (N, N) -> (..., N, out_dim).
    """

    def __init__(self, in_dim: int, out_dim: int):
        super().__init__()
        self.neighbours = Linear(in_dim, out_dim)
        self.itself = Linear(in_dim, out_dim, bias=False)

    def forward(self, x: Tensor, A, relu: bool = False) -> Tensor:
        return affine(A @ x, self.neighbours, (x, self.itself), relu=relu)

    def of_pooled(self, x: Tensor, layout: Layout, S: Tensor, reached: Tensor) -> Tensor:
        """Of X' = S^T X and A', with ReLU, where S is fixed and ``reached`` is S A'^T, both spread by ``layout``.

        x (N, D) or (B, n, D), which the weights multiply before they are pooled: clusters are as many as the largest graph of
        the dataset asks for, nodes are fewer. -> (B, K, out_dim).
        """
        rows = affine(x, self.neighbours, bias=False), self.itself(x)
        return pool_fixed(layout, (reached, S), rows, self.neighbours.bias)

    def mean(self, x: Tensor, A) -> Tensor:
        """Mean over the clusters of the result, with A a `Readout`: linear, so only means are multiplied. -> (B, out_dim)."""
        of_neighbours, of_itself = A.means(x)
        return affine(of_neighbours, self.neighbours, (of_itself, self.itself))


class SAGEConv(nn.Module):
    r"""GraphSAGE with mean aggregation, in the form of 2020 (``sage="2020"``) or of today's PyG (``sage="pyg2"``).

    2020: :math:`\hat D^{-1} \hat A X W + b`, where :math:`\hat A` is A, with its diagonal set to one if ``loop``, and
    :math:`\hat D` its row sums, at least 1. One weight: without the loop a node does not see itself.
    pyg2: :math:`D^{-1} A X W_1 + X W_2 + b`; ``loop`` has no meaning there.

    ``normalize`` divides each row of the result by its Euclidean norm.
    """

    def __init__(self, in_dim: int, out_dim: int, *, sage: str, loop: bool = True, normalize: bool = False):
        super().__init__()
        self.loop, self.normalize = loop and sage == "2020", normalize
        self.neighbours = Linear(in_dim, out_dim, bias=sage == "2020")
        self.itself = Linear(in_dim, out_dim) if sage == "pyg2" else None
        # What comes out is much narrower, so that is what to average. (Narrower by little is the input of the first layers, whose
        # average has no gradient and serves two networks.)
        self.narrow = sage == "pyg2" and in_dim >= 2 * out_dim

    def forward(self, x: Tensor, A, relu: bool = False) -> Tensor:
        cut = relu and not self.normalize
        if self.narrow:
            of_itself, of_neighbours = side_by_side(x, self.itself, self.neighbours)
            out = of_itself + A.average(of_neighbours, self.loop)
            out = F.relu(out) if cut else out
        else:
            average = A.average(x, self.loop)
            if self.itself is None:
                out = affine(average, self.neighbours, relu=cut)
            else:
                out = affine(x, self.itself, (average, self.neighbours), relu=cut)
        if self.normalize:
            out = unit_rows(out)
            return F.relu(out) if relu else out
        return out


def unit_rows(x: Tensor, eps: float = 1e-12) -> Tensor:
    """Each row over its norm, at least ``eps``; the clamp is under the root, whose gradient at 0 is not finite."""
    return x * x.square().sum(-1, keepdim=True).clamp(min=eps**2).rsqrt()


class MoleculeConv(nn.Module):
    r"""The first convolution on MOLHIV (Appendix A.2), after the baseline of OGB without its degree weights.

    With :math:`h = W x`: :math:`\sum_{j: A_{ij}=1} \mathrm{ReLU}(h_j + e_{ij}) + \mathrm{ReLU}(h_i + r)`, where
    :math:`e_{ij}` is the sum of the embeddings of the bond's features and r a learned row.
    x (N, dim), edge_attr (E, 3) int64 in the order of ``A.indices`` -> (N, dim).
    """

    def __init__(self, dim: int):
        super().__init__()
        self.linear = Linear(dim, dim)
        self.bond = CategoryEmbedding(BOND_DIMS, dim)
        self.root = nn.Parameter(torch.randn(dim))

    def forward(self, x: Tensor, A, edge_attr: Tensor) -> Tensor:
        h = self.linear(x)
        messages = F.relu(A.gather(h) + self.bond(edge_attr))
        rows, root = by_replica(h, self.root, 1)
        return A.sum_entries(messages) + F.relu(rows + root.unsqueeze(1)).view(h.shape)
