"""The memory layer against a loop written from its equation."""

import pytest
import torch
from small_graphs import input_graph
from torch.nn import functional as F

from rethinkpool_core.engine.distances import SquaredDistances
from rethinkpool_core.engine.graph import Graph, Level
from rethinkpool_core.engine.nodes import ClusterNodes
from rethinkpool_core.models import build_model
from rethinkpool_core.models.build import replica
from rethinkpool_core.models.gmn import GMNConfig, MemoryLayer
from rethinkpool_core.training import train


def looped(layer: MemoryLayer, Q: torch.Tensor) -> torch.Tensor:
    """Q' of one graph with queries Q (n, D): kernel, heads, softmax and sum, entry by entry."""
    n, linear, activation = len(Q), layer.linear, F.leaky_relu
    layer = layer.assign
    K = layer.num_keys
    S = torch.zeros(n, K, dtype=Q.dtype)
    for i in range(n):
        C = torch.zeros(layer.num_heads, K, dtype=Q.dtype)
        for h in range(layer.num_heads):
            for j in range(K):
                distance = (Q[i] - layer.keys[h, j]).norm()
                C[h, j] = (
                    distance
                    if layer.kernel == "distance"
                    else (1 + distance**2 / layer.tau) ** (-(layer.tau + 1) / 2)
                )
            if layer.kernel == "student":
                C[h] = C[h] / C[h].sum()
        mixed = (
            C[0]
            if layer.num_heads == 1
            else sum(layer.mix.weight[0, h] * C[h] for h in range(layer.num_heads))
        )
        S[i] = mixed.exp() / mixed.exp().sum()
    rows = [sum((S[i, j] * Q[i] for i in range(n)), Q.new_zeros(Q.shape[1])) for j in range(K)]
    return torch.stack([activation(linear.weight @ row + linear.bias) for row in rows])


@pytest.mark.parametrize("kernel", ["student", "distance"])
@pytest.mark.parametrize("heads", [1, 5])
@pytest.mark.parametrize("tau", [1.0, 3.0])
def test_memory_layer_against_a_loop(small, kernel, heads, tau):
    config = GMNConfig((4,), heads, 6, kernel, train_keys=kernel == "student", key_scale=1.0, tau=tau)
    layer = MemoryLayer(3, 14, 4, config).double()
    batch = small.batch()
    ours = layer(input_graph(batch))[0].x
    for place in range(batch.num_graphs):
        Q = batch.x[batch.pointer[place] : batch.pointer[place + 1]]
        torch.testing.assert_close(ours[place], looped(layer, Q), atol=1e-10, rtol=0)


def test_a_query_on_a_key_has_finite_gradients():
    """Distances are roots, which have no gradient at zero."""
    config = GMNConfig((3,), 2, 6, "distance", train_keys=False, key_scale=1.0)
    layer = MemoryLayer(3, 5, 3, config).double()
    Q = layer.assign.keys[0][None].clone().requires_grad_()
    out, _ = layer(Graph(Level(None, ClusterNodes(1, 3), 3.0), [Q]))
    out.x.sum().backward()
    assert torch.isfinite(Q.grad).all()


def test_random_gmn_takes_a_row_of_its_matrix_for_each_place(small):
    model = build_model("RANDOM-GMN", small.dataset).double()
    layer, batch = model.memory[0], small.batch()
    _, S = layer(input_graph(batch, torch.randn(batch.num_rows, 64, dtype=torch.float64)))
    torch.testing.assert_close(S.S, layer.assign.random.softmax(-1)[batch.position])


def test_keys_are_parameters_unless_told_otherwise(small):
    names = {name for name, _ in build_model("GMN", small.dataset).named_parameters()}
    assert {"memory.0.assign.keys", "memory.1.assign.keys"} <= names
    as_released = build_model("GMN", small.dataset, train_keys=False)
    assert "memory.0.assign.keys" not in dict(as_released.named_parameters())
    assert "memory.0.assign.keys" in as_released.state_dict()


def test_squared_distances_scaled_and_shifted_are_those_of_the_loop():
    Q, keys = torch.randn(2, 5, 3, dtype=torch.float64), torch.randn(2, 2, 4, 3, dtype=torch.float64)
    found = (1 + SquaredDistances(Q, keys) / 3.0).value()
    for r in range(2):
        for i in range(5):
            for h in range(2):
                for j in range(4):
                    expected = 1 + (Q[r, i] - keys[r, h, j]).square().sum() / 3.0
                    torch.testing.assert_close(found[r, i, h, j], expected)


@pytest.mark.parametrize(("period", "moves"), [(0, "output.0.weight"), (1, "memory.0.assign.keys")])
def test_keys_are_updated_never_or_always(period, moves, small):
    """purity_period=0: no epoch is unsupervised and the keys stay as drawn; with 1 every epoch is, and only they move."""
    model = build_model("GMN", small.dataset, purity_period=period, num_keys=[4, 1], num_heads=2)
    (record,) = train(model, small.dataset, [3], max_epochs=3, progress=False, device="cpu")
    drawn = replica(model, 3).state_dict()
    moved = {
        key
        for key in ("output.0.weight", "memory.0.assign.keys")
        if not torch.equal(record.weights[key], drawn[key])
    }
    assert moved == {moves} and ("purity" in record.curves) == (period > 0)
