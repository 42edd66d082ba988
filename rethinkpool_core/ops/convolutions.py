"""Graph convolutions, the same module at the input and on pooled graphs.

PyG has each of them twice, sparse and dense, and its own as of 2020 no longer; the tests hold these against PyG's.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rethinkpool_core.engine.affine import Linear, affine, by_replica, fused_linears
from rethinkpool_core.engine.graph import Convolved, Graph
from rethinkpool_core.engine.rules import GraphConvolved
from rethinkpool_core.ops.molecules import BOND_DIMS, CategoryEmbedding


class GraphConv(nn.Module):
    r"""The basic convolution of Equation 1, :math:`A X W_1 + X W_2 + b` (sum over neighbours).

    flow  as in PyG: "source_to_target" sums over the sources of the edges that arrive at a node, hence has :math:`A^\top`, as
          sparse operators do; "target_to_source" has A, as dense operators do. Undirected graphs do not tell them apart.

    Features (..., N, in_dim) -> (..., N, out_dim).
    """

    def __init__(self, in_dim: int, out_dim: int, flow: str = "source_to_target"):
        super().__init__()
        self.flow = flow
        self.lin_rel = Linear(in_dim, out_dim)
        self.lin_root = Linear(in_dim, out_dim, bias=False)

    def forward(self, graph: Graph) -> GraphConvolved:
        return GraphConvolved(graph, self.lin_rel, self.lin_root, transposed=self.flow == "source_to_target")


class SAGEConv(nn.Module):
    r"""GraphSAGE with mean aggregation, in the form of 2020 (``sage="2020"``) or of today's PyG (``sage="pyg2"``).

    2020: :math:`\hat D^{-1} \hat A X W + b`, where :math:`\hat A` is A, with ones on its diagonal if ``add_self_loops``, and
    :math:`\hat D` its row sums, at least 1. One weight: without the loops a node does not see itself.
    pyg2: :math:`D^{-1} A X W_1 + X W_2 + b`; ``add_self_loops`` has no meaning there.

    ``normalize`` divides each row of the result by its Euclidean norm. Features (..., N, in_dim) -> (..., N, out_dim).
    """

    def __init__(
        self, in_dim: int, out_dim: int, *, sage: str, add_self_loops: bool = True, normalize: bool = False
    ):
        super().__init__()
        self.add_self_loops, self.normalize = add_self_loops and sage == "2020", normalize
        self.lin_rel = Linear(in_dim, out_dim, bias=sage == "2020")
        self.lin_root = Linear(in_dim, out_dim) if sage == "pyg2" else None
        # Where the result is much narrower, that is what to average. (The input of the first layers is narrower by little, and
        # its mean has no gradient and serves two networks.)
        self.project_first = sage == "pyg2" and in_dim >= 2 * out_dim

    def forward(self, graph: Graph) -> Convolved:
        return Convolved(graph.level, lambda relu: self._compute(graph, relu))

    def _compute(self, graph: Graph, relu: bool) -> Tensor:
        fused = relu and not self.normalize
        if self.project_first:
            root, rel = fused_linears(graph.x, self.lin_root, self.lin_rel)
            out = root + graph.A.mean(rel, self.add_self_loops)
            out = F.relu(out) if fused else out
        else:
            mean = graph.mean_of_neighbours(self.add_self_loops)
            if self.lin_root is None:
                out = affine(mean, self.lin_rel, relu=fused)
            else:
                out = affine(graph.x, self.lin_root, (mean, self.lin_rel), relu=fused)
        if self.normalize:
            out = unit_rows(out)
            return F.relu(out) if relu else out
        return out


def unit_rows(x: Tensor, eps: float = 1e-12) -> Tensor:
    """Return each row over its norm, at least ``eps``; the clamp is under the root, whose gradient at 0 is not finite."""
    return x * x.square().sum(-1, keepdim=True).clamp(min=eps**2).rsqrt()


class MoleculeConv(nn.Module):
    r"""The first convolution on MOLHIV (Appendix A.2), after the baseline of OGB without its degree weights.

    With :math:`h = W x`: :math:`\sum_{j: A_{ij}=1} \mathrm{ReLU}(h_j + e_{ij}) + \mathrm{ReLU}(h_i + r)`, where
    :math:`e_{ij}` is the sum of the embeddings of the bond's features and r a learned row.

    Features (N, dim) of input graphs, whose edges have features (E, 3) int64 -> (N, dim).
    """

    def __init__(self, dim: int):
        super().__init__()
        self.linear = Linear(dim, dim)
        self.bond = CategoryEmbedding(BOND_DIMS, dim)
        self.root = nn.Parameter(torch.randn(dim))

    def forward(self, graph: Graph) -> Graph:
        A, h = graph.A, self.linear(graph.x)
        messages = F.relu(A.gather(h) + self.bond(graph.level.batch.edge_attr))
        rows, root = by_replica(h, self.root, 1)
        return graph.with_x(A.sum_entries(messages) + F.relu(rows + root.unsqueeze(1)).view(h.shape))
