"""Theorems 1 and 2 and Remark 3 of Appendix C, numerically: float64, random permutations of graphs."""

from dataclasses import replace

import networkx as nx
import pytest
import torch
from small_graphs import dataset_of, named_graphs, store_of

from rethinkpool_core.analysis.invariance import check_invariance
from rethinkpool_core.datasets import load_dataset

TOLERANCE = 1e-10
INVARIANT = {
    "U-DIFFPOOL-INV": {},
    "N-DIFFPOOL-INV": {},
    "B-DIFFPOOL-INV": {},
    "DISTANCE-GMN": {"activation": "relu"},  # the simplified GMN of Theorem 2
    "DIFFPOOL": {},
    "DIFFPOOL-V2": {},
    "MINCUTPOOL": {},
    "GMN": {},
    "NO-POOL": {},
}
NOT_INVARIANT = [
    "GRACLUS",
    "COMPLEMENT",
    "U-DIFFPOOL",
    "N-DIFFPOOL",
    "B-DIFFPOOL",
    "N-DIFFPOOL-V2",
    "N-MINCUTPOOL",
    "RANDOM-GMN",
]


def largest_change(name, dataset, overrides, permutations=5) -> float:
    """Largest change of a logit under permutations of the nodes of every graph, in evaluation mode."""
    found = check_invariance(name, dataset, dataset.train, permutations=permutations, seed=2, **overrides)
    assert found.logits.std(0).max() > 1e-3, (
        "logits that are the same for all graphs are invariant to everything"
    )
    return float((found.permuted - found.logits).abs().max())


@pytest.fixture
def graphs():
    """Connected graphs large enough to be coarsened in many ways; the first of equal size keep their order in a batch."""
    wanted = [nx.gnm_random_graph(n, 2 * n, seed=n) for n in range(8, 40, 4)]
    return dataset_of(store_of([*named_graphs().values(), *wanted]))


@pytest.mark.parametrize("name", INVARIANT)
def test_invariant(name, graphs):
    assert largest_change(name, graphs, INVARIANT[name]) < TOLERANCE


@pytest.mark.parametrize("name", NOT_INVARIANT)
def test_not_invariant(name, graphs):
    assert largest_change(name, graphs, {}) > 1e-6


@pytest.fixture(scope="module", params=["small_root", pytest.param("whole_root", marks=pytest.mark.slow)])
def proteins(request):
    """The committed graphs of PROTEINS, and the first 100 of the whole set."""
    dataset = load_dataset("PROTEINS", request.getfixturevalue(request.param)("PROTEINS"))
    return replace(dataset, train=torch.arange(min(100, dataset.store.num_graphs)))


@pytest.mark.parametrize("name", [*INVARIANT, *NOT_INVARIANT])
def test_on_real_graphs(name, proteins):
    change = largest_change(name, proteins, INVARIANT.get(name, {}), permutations=2)
    assert change < TOLERANCE if name in INVARIANT else change > 1e-6
