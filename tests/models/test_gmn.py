"""The memory layer against a loop written from its equation."""

import pytest
import torch
from torch.nn import functional as F

from rethinkpool_core.engine.rows import Rows
from rethinkpool_core.models import build_model
from rethinkpool_core.models.gmn import GMNConfig, MemoryLayer


def looped(layer: MemoryLayer, Q: torch.Tensor) -> torch.Tensor:
    """Q' of one graph with queries Q (n, D): kernel, heads, softmax and sum, entry by entry."""
    n = len(Q)
    K = layer.num_keys
    S = torch.zeros(n, K, dtype=Q.dtype)
    for i in range(n):
        C = torch.zeros(layer.heads, K, dtype=Q.dtype)
        for h in range(layer.heads):
            for j in range(K):
                distance = (Q[i] - layer.keys[h, j]).norm()
                C[h, j] = (
                    distance
                    if layer.kernel == "distance"
                    else (1 + distance**2 / layer.tau) ** (-(layer.tau + 1) / 2)
                )
            if layer.kernel == "student":
                C[h] = C[h] / C[h].sum()
        mixed = C[0] if layer.heads == 1 else sum(layer.mix.weight[0, h] * C[h] for h in range(layer.heads))
        S[i] = mixed.exp() / mixed.exp().sum()
    rows = [sum(S[i, j] * Q[i] for i in range(n)) for j in range(K)]
    return torch.stack([F.leaky_relu(layer.linear.weight @ row + layer.linear.bias) for row in rows])


@pytest.mark.parametrize("kernel", ["student", "distance"])
@pytest.mark.parametrize("heads", [1, 5])
@pytest.mark.parametrize("tau", [1.0, 3.0])
def test_memory_layer_against_a_loop(small, kernel, heads, tau):
    config = GMNConfig((4,), heads, 6, kernel, train_keys=kernel == "student", key_scale=1.0, tau=tau)
    layer = MemoryLayer(3, 14, 4, config).double()
    batch = small.batch()
    ours, _ = layer(batch.x, Rows(batch))
    for place in range(batch.num_graphs):
        Q = batch.x[batch.pointer[place] : batch.pointer[place + 1]]
        torch.testing.assert_close(ours[place], looped(layer, Q), atol=1e-10, rtol=0)


def test_a_query_on_a_key_has_finite_gradients():
    """Distances are roots, which have no gradient at zero."""
    config = GMNConfig((3,), 2, 6, "distance", train_keys=False, key_scale=1.0)
    layer = MemoryLayer(3, 5, 3, config).double()
    Q = layer.keys[0][None].clone().requires_grad_()
    out, _ = layer(Q, Rows())
    out.sum().backward()
    assert torch.isfinite(Q.grad).all()


def test_random_gmn_takes_a_row_of_its_matrix_for_each_place(small):
    model = build_model("RANDOM-GMN", small.dataset).double()
    layer, batch = model.memory[0], small.batch()
    _, log_S = layer(torch.randn(batch.num_rows, 64, dtype=torch.float64), Rows(batch))
    torch.testing.assert_close(log_S.exp(), layer.random.softmax(-1)[batch.position])


def test_keys_are_parameters_unless_told_otherwise(small):
    names = {name for name, _ in build_model("GMN", small.dataset).named_parameters()}
    assert {"memory.0.keys", "memory.1.keys"} <= names
    as_released = build_model("GMN", small.dataset, train_keys=False)
    assert "memory.0.keys" not in dict(as_released.named_parameters())
    assert "memory.0.keys" in as_released.state_dict()
