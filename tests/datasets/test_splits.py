from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rethinkpool_core.datasets.splits import paired_split, stratified_split
from rethinkpool_core.errors import DataError, UsageError

labels = st.lists(st.integers(0, 4), min_size=3, max_size=300).map(torch.tensor)
seeds = st.integers(0, 2**32)


@given(labels, seeds)
def test_parts_are_disjoint_and_complete(y: torch.Tensor, seed: int) -> None:
    together = torch.cat(stratified_split(y, seed))
    assert together.sort().values.tolist() == list(range(len(y)))


@given(labels, seeds)
def test_sizes_are_80_10_10_for_every_seed(y: torch.Tensor, seed: int) -> None:
    tenth = max(1, int(len(y) / 10 + 0.5))
    assert [len(part) for part in stratified_split(y, seed)] == [len(y) - 2 * tenth, tenth, tenth]


@given(labels, seeds)
def test_every_class_gives_its_share_to_one_graph(y: torch.Tensor, seed: int) -> None:
    _, val, test = stratified_split(y, seed)
    share = len(val) / len(y)
    for part in (val, test):
        for label, count in zip(*np.unique(y, return_counts=True), strict=True):
            assert abs(int((y[part] == int(label)).sum()) - share * count) <= 1.0 + 1e-9


@given(labels, seeds)
def test_same_seed_gives_the_same_split_whatever_the_global_state(y: torch.Tensor, seed: int) -> None:
    first = stratified_split(y, seed)
    np.random.seed(1)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    again = stratified_split(y, seed)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert torch.equal(before, torch.get_rng_state())


def test_another_seed_gives_another_split() -> None:
    y = torch.arange(200) % 2
    assert not torch.equal(stratified_split(y, 0)[2], stratified_split(y, 1)[2])


def test_a_float_target_is_not_stratified() -> None:
    assert [len(part) for part in stratified_split(torch.rand(50), 0)] == [40, 5, 5]


@pytest.mark.parametrize("seed", [-1, 1.0, "0", None, True])
def test_seed_must_be_a_whole_number_from_zero(seed: object) -> None:
    with pytest.raises(UsageError, match="split seed"):
        stratified_split(torch.arange(10), seed)  # type: ignore[arg-type]


def test_two_graphs_are_too_few() -> None:
    with pytest.raises(DataError, match="at least 3"):
        stratified_split(torch.tensor([0, 1]), 0)


@given(st.integers(3, 200), seeds)
def test_pairs_stay_together(pairs: int, seed: int) -> None:
    parts = paired_split(2 * pairs, seed)
    assert torch.cat(parts).sort().values.tolist() == list(range(2 * pairs))
    tenth = max(1, int(pairs / 10 + 0.5))
    assert [len(part) for part in parts] == [2 * (pairs - 2 * tenth), 2 * tenth, 2 * tenth]
    for part in parts:
        assert {int(graph) ^ 1 for graph in part} == {int(graph) for graph in part}


def test_an_odd_number_of_graphs_is_no_pairs() -> None:
    with pytest.raises(DataError, match="7 graphs are not pairs"):
        paired_split(7, 0)
