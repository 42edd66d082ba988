"""Offsets, ids and ranges against loops."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from rethinkpool_core.datasets.ragged import offsets_from_sizes, ranges, repeat_ids

sizes = st.lists(st.integers(0, 5), max_size=8)


@given(sizes)
def test_offsets_cut_into_the_pieces(sizes):
    offsets = offsets_from_sizes(torch.tensor(sizes, dtype=torch.int64)).tolist()
    assert offsets == [sum(sizes[:piece]) for piece in range(len(sizes) + 1)]


def test_offsets_of_several_rows():
    assert offsets_from_sizes(torch.tensor([[2, 0, 1], [0, 3, 3]])).tolist() == [[0, 2, 2, 3], [0, 0, 3, 6]]


@given(sizes)
def test_ids_repeat_as_often_as_the_size_says(sizes):
    ids = repeat_ids(torch.tensor(sizes, dtype=torch.int64), sum(sizes))
    assert ids.tolist() == [piece for piece, size in enumerate(sizes) for _ in range(size)]


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 5)), max_size=8))
def test_ranges_follow_each_other(pieces):
    first, sizes = (torch.tensor([piece[k] for piece in pieces], dtype=torch.int64) for k in (0, 1))
    assert ranges(first, sizes).tolist() == [number for a, size in pieces for number in range(a, a + size)]
