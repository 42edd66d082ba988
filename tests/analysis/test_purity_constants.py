"""The release's constants in GMN's unsupervised loss, by a loop over the entries of S and by their first-order effect."""

from __future__ import annotations

from math import log

import pytest
import torch
from pytest import approx

from rethinkpool_core import load_dataset
from rethinkpool_core.analysis.purity_constants import CONSTANT, purity_constants, released_purity


def by_loop(S, constant):
    n, keys = len(S), len(S[0])
    columns = [sum(S[i][j] for i in range(n)) for j in range(keys)]
    loss = 0.0
    for i in range(n):
        ratio = [S[i][j] ** 2 / (columns[j] + constant) for j in range(keys)]
        for j in range(keys):
            P = ratio[j] / (sum(ratio) + constant)
            loss += P * (log(P + constant) - log(S[i][j] + constant))
    return loss


@pytest.mark.parametrize("constant", [0.0, 1e-8, 1e-2])
def test_the_loss_of_a_small_assignment(constant):
    S = torch.rand(4, 3, dtype=torch.float64).softmax(-1)
    assert float(released_purity(S, constant)) == approx(by_loop(S.tolist(), constant), rel=1e-9)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return load_dataset("DIGITS", tmp_path_factory.mktemp("data"))


def test_they_lower_the_loss_by_the_square_of_the_nodes(digits):
    """To first order by 1e-8 n^2 for a graph with n nodes, as the normaliser of P is about 1 / n."""
    index = digits.train[:20]
    found = purity_constants(digits, index, seed=1)
    sizes = digits.store.num_nodes[index].double()
    assert found.change == approx(-CONSTANT * float(sizes.square().mean()), rel=0.02)
    assert found.loss > 0 and 0 < found.nearest < 0.1


def test_the_loss_itself_is_that_of_the_package(digits):
    from rethinkpool_core import build_model
    from rethinkpool_core.analysis.keys import KeyLoss

    index = digits.train[:10]
    loss = KeyLoss(build_model("GMN", digits, seed=2), digits, index)
    assert purity_constants(digits, index, seed=2).loss == approx(loss(loss.keys), rel=1e-6)
    batch = purity_constants(digits, index, seed=2, batch_statistics=True)
    assert batch.loss != approx(loss(loss.keys), rel=0.01)
