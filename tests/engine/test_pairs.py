"""The maximum of pairs against indexing, whose gradient is autograd's."""

import pytest
import torch

from rethinkpool_core.engine.pairs import pair_maximum
from rethinkpool_core.graphs.coarsening import Coarsening


def plain(x, members):
    return torch.maximum(x[members[:, 0]], x[members[:, 1]])


@pytest.fixture
def batch(small):
    """Three replicas of unlike sizes, so that there is padding."""
    coarsening = Coarsening("graph", range(1), torch.tensor([1, 2, 3]))
    return small.batch(torch.tensor([[0, 1, 2], [7, 5, 6], [4, 4, 3]]), coarsening=coarsening)


def test_value_and_gradient_of_replicas(batch):
    coarse = batch.coarse(1)
    x = torch.randint(0, 3, (batch.num_rows, 2), dtype=torch.float64, requires_grad=True)  # with ties
    ours, theirs = pair_maximum(x, coarse.members, coarse.inverse_members), plain(x, coarse.members)
    assert torch.equal(ours, theirs)
    # No gradient comes back to what is no node.
    weight = torch.randn_like(theirs) * coarse.real.unsqueeze(-1)
    assert (weight == 0).any()
    ours, theirs = (torch.autograd.grad((y * weight).sum(), x)[0] for y in (ours, theirs))
    assert torch.equal(ours, theirs)


def test_gradient_alone(small):
    batch = small.batch(coarsening=Coarsening("complement", range(1), torch.tensor(1)))
    coarse = batch.coarse(1)
    x = torch.randn(batch.num_rows, 2, dtype=torch.float64, requires_grad=True)
    assert torch.equal(pair_maximum(x, coarse.members, coarse.inverse_members), plain(x, coarse.members))
    assert torch.autograd.gradcheck(lambda x: pair_maximum(x, coarse.members, coarse.inverse_members), x)
