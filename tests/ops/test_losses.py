"""What the terms of the pooling layers are where PyG's have no value or no gradient, and GMN's purity loss."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from small_graphs import input_graph

from rethinkpool_core.engine.assignment import Assignment, LogAssignment
from rethinkpool_core.engine.nodes import ClusterNodes, RaggedNodes
from rethinkpool_core.engine.pooled import pool
from rethinkpool_core.engine.softmax import log_softmax
from rethinkpool_core.ops.losses import cut_loss, entropy_loss, link_loss, orthogonality_loss, purity_loss


def pooled_by(batch, S):
    graph = input_graph(batch)
    return pool(graph, Assignment(S, graph.nodes))


def all_terms(batch, S):
    """The sum of all terms, over two layers of pooling."""
    pooled = pooled_by(batch, S)
    second = Assignment(pooled.S.pool(S).softmax(-1), pooled.nodes)
    of_normalised = pool(pooled.normalised(), second)
    terms = [cut_loss(pooled), cut_loss(of_normalised)]
    terms += [link_loss(pooled), link_loss(pool(pooled, second))]
    terms += [orthogonality_loss(pooled), orthogonality_loss(of_normalised)]
    terms += [entropy_loss(pooled.S), entropy_loss(second)]
    return sum(term.mean() for term in terms)


# From uniform over soft to hard; between the last two, degrees of the coarse graph are tiny before they are zero.
@pytest.mark.parametrize("sharpness", [0.0, 1.0, 10.0, 30.0, 50.0, 70.0, 100.0, 200.0, 300.0, 1e3, 1e4, 1e6])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("clusters", [3, 140])  # the coarse matrix itself, and its factors
def test_value_and_gradient_are_finite(small, sharpness, dtype, clusters):
    batch = small.batch(dtype=dtype)
    logits = (sharpness * torch.randn(batch.num_rows, clusters, dtype=dtype)).requires_grad_()
    loss = all_terms(batch, logits.softmax(-1))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


def test_a_hard_assignment_of_two_components_is_finite(small):
    """Here the coarse graph loses all its edges with its diagonal."""
    batch = small.batch([2])
    logits = torch.full((7, 2), -1e4, dtype=torch.float64)
    logits[:4, 0] = logits[4:, 1] = 1e4
    logits.requires_grad_()
    S = logits.softmax(-1)
    loss = all_terms(batch, S)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()
    torch.testing.assert_close(cut_loss(pooled_by(batch, S)), torch.tensor([-1.0], dtype=torch.float64))


def test_a_graph_without_edges_has_no_cut(small):
    batch = small.batch([3])
    assert cut_loss(pooled_by(batch, torch.full((4, 2), 0.5, dtype=torch.float64))) == 0


def test_a_graph_without_nodes_has_no_losses(small):
    batch = small.batch([8])
    S = torch.full((batch.num_rows, 2), 0.5, dtype=torch.float64)
    pooled = pooled_by(batch, S)
    terms = [cut_loss(pooled), orthogonality_loss(pooled), link_loss(pooled), entropy_loss(pooled.S)]
    terms.append(purity_loss(LogAssignment(S.log(), RaggedNodes(batch))))
    assert [float(term) for term in terms] == [0] * 5


def test_gradients_of_the_terms(small):
    batch = small.batch([0, 2, 6])
    logits = torch.randn(batch.num_rows, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda logits: all_terms(batch, logits.softmax(-1)), logits)


class TestPurity:
    def test_against_a_loop(self, small):
        batch = small.batch()
        log_S = torch.randn(batch.num_rows, 4, dtype=torch.float64).log_softmax(-1)
        expected = []
        for g in range(batch.num_graphs):
            S = log_S[batch.pointer[g] : batch.pointer[g + 1]].exp()
            P = S**2 / S.sum(0)
            P = P / P.sum(1, keepdim=True)
            terms = (P[i, j] * torch.log(P[i, j] / S[i, j]) for i in range(len(S)) for j in range(4))
            expected.append(sum(terms, log_S.new_zeros(())))
        torch.testing.assert_close(
            purity_loss(LogAssignment(log_S, RaggedNodes(batch))), torch.stack(expected), atol=1e-12, rtol=0
        )

    @pytest.mark.parametrize("keys", [1, 2, 7, 10, 32])
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_identical_keys_give_exactly_zero(self, small, keys, dtype):
        """Appendix D: the loss is at its minimum although every node is spread over all clusters alike."""
        batch = small.batch()
        log_S = log_softmax(torch.zeros(batch.num_rows, keys, dtype=dtype))
        assert (purity_loss(LogAssignment(log_S, RaggedNodes(batch))) == 0).all()

    @given(arrays("float64", (6, 4), elements=st.floats(-30, 30)))
    def test_is_not_negative(self, logits):
        S = LogAssignment(torch.from_numpy(logits)[None].log_softmax(-1), ClusterNodes(1, 6))
        assert purity_loss(S) >= -1e-9
