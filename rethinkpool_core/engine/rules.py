r"""The one table of how a graph convolution :math:`A X W_1 + X W_2 + b` is computed, by what is wanted of it.

On a pooled graph :math:`X' = S^\top X`, :math:`A' = S^\top A S`:

| wanted | learned S, A' a matrix | learned S, A' a product | fixed S, terms at hand |
|---|---|---|---|
| its ReLU | batched products with A' | products with the factors | `fixed_pool_conv` with the stored S A'^T |
| its mean over clusters | one weight per node | `ChunkedReadout`, again in the backward pass | the stored weights |
| itself | batched products | products with the factors | A' is computed |

The matrix is chosen where it is the smaller of the two (`use_dense_adjacency`), the terms are there when S never changes and the
trainer has recorded them (`engine.precomputed`). Under `as_written` it is always the first column, and means come last.
"""

from __future__ import annotations

from torch import Tensor

from rethinkpool_core.engine.affine import Linear, affine
from rethinkpool_core.engine.assignment import FixedAssignment, LinearAssignment
from rethinkpool_core.engine.chunked_readout import ChunkedReadout
from rethinkpool_core.engine.graph import Convolved, Graph
from rethinkpool_core.engine.mean_readout import means, readout_weights, shared_readout_weights
from rethinkpool_core.engine.mode import is_as_written
from rethinkpool_core.engine.normalised import NormalisedAdjacency
from rethinkpool_core.engine.pooled import PooledGraph
from rethinkpool_core.engine.products import fixed_pool_conv


class GraphConvolved(Convolved):
    """A X W_rel + X W_root + b on ``graph``, computed when it is asked for.

    transposed  whether A^T is in the place of A
    """

    def __init__(self, graph: Graph, lin_rel: Linear, lin_root: Linear, transposed: bool):
        self.level = graph.level
        self.graph, self.lin_rel, self.lin_root, self.transposed = graph, lin_rel, lin_root, transposed

    def compute(self, relu: bool) -> Tensor:
        """Return the result, (..., N, D')."""
        x = self.graph.x  # before A, which is computed in the same pass
        A = self.graph.A.T if self.transposed else self.graph.A
        return affine(A @ x, self.lin_rel, (x, self.lin_root), relu=relu)

    def relu(self) -> Graph:
        if not _has_terms(self.graph) or self.transposed or not self.graph.products.dense:
            return super().relu()
        products, below = self.graph.products, self.graph.below
        S_At = products.terms.rows(
            "S A^T", products.S.nodes, lambda: products.S.unpool(self.graph.A.matrix.mT), padded=True
        )
        # The weights multiply nodes, which are fewer than clusters: these follow the largest graph of the dataset.
        rows = affine(below.x, self.lin_rel, bias=False), self.lin_root(below.x)
        return self.with_x(
            fixed_pool_conv(products.S.nodes.buckets, (S_At, products.S.padded), rows, self.lin_rel.bias)
        )

    def mean(self) -> Tensor:
        if is_as_written() or self.transposed or not isinstance(self.graph, PooledGraph):
            return super().mean()
        of_neighbours, of_itself = self._means_over_clusters(self.graph)
        return affine(of_neighbours, self.lin_rel, (of_itself, self.lin_root))

    @staticmethod
    def _means_over_clusters(graph: PooledGraph) -> tuple[Tensor, Tensor]:
        """Return the means over clusters of A' X' and of X', (B, D) each."""
        S, below = graph.S, graph.below
        if isinstance(S, LinearAssignment) and _is_large(graph):
            graph.products.readout = readout = ChunkedReadout(S, below.A)
            return readout.means(below.x)

        def weights() -> Tensor:
            if isinstance(S, FixedAssignment) and _is_large(graph):
                return shared_readout_weights(S, below.A)
            return readout_weights(S, graph.A)

        return means(below.x, graph.products.terms.rows("weights", S.nodes, weights), S.nodes, S.num_clusters)


def _has_terms(graph: Graph) -> bool:
    return isinstance(graph, PooledGraph) and graph.products.fixed and graph.products.terms.available


def _is_large(graph: PooledGraph) -> bool:
    """Return whether S, between two levels of clusters, is too large to be written for all graphs at once."""
    A = graph.below.A
    normalised = isinstance(A, NormalisedAdjacency) and isinstance(graph.A, NormalisedAdjacency)
    return normalised and not A.products.dense and not graph.products.dense
