from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from rethinkpool_core.datasets.sources.euler_shuffle import euler_shuffle


def windows(ring: list[int], width: int) -> Counter:
    twice = ring + ring
    return Counter(tuple(twice[place : place + width]) for place in range(len(ring)))


@given(
    st.lists(st.integers(0, 2), min_size=6, max_size=60),
    st.integers(2, 5),
    st.integers(0, 2**32),
)
def test_every_window_occurs_as_often_as_before(ring, width, seed):
    shuffled = euler_shuffle(ring, width, np.random.default_rng(seed))
    assert windows(shuffled, width) == windows(ring, width)


def test_it_draws_every_ring_with_the_same_windows_equally_often():
    ring, width = [0, 0, 1, 0, 1, 1, 0, 1, 1, 1], 3
    rings = [list(one) for one in product((0, 1), repeat=len(ring)) if one[:2] == (0, 1)]
    start = ring[1:] + ring[:1]  # begins with 0, 1, as all that are drawn will
    same = [tuple(one) for one in rings if windows(one, width) == windows(start, width)]
    rng = np.random.default_rng(1)
    draws = 200 * len(same)
    drawn = Counter()
    for _ in range(draws):
        one = euler_shuffle(start, width, rng)
        drawn[tuple(one[-2:] + one[:-2])] += 1  # the ring of a walk begins after its first window
    assert set(drawn) == set(same) and len(same) > 5
    assert chisquare([drawn[one] for one in same]).pvalue > 1e-3


@pytest.mark.parametrize("ring", [[1, 1, 1, 1], [0, 1, 0, 1, 0, 1]])
def test_a_ring_that_has_no_other_arrangement_stays(ring):
    shuffled = euler_shuffle(ring, 3, np.random.default_rng(0))
    assert shuffled in (ring, ring[1:] + ring[:1])
