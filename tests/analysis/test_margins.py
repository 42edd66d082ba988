"""Other margins: the same as asking for them at once."""

from __future__ import annotations

import numpy as np
import pytest
from analysis.samples import by_seed
from pytest import approx

from rethinkpool_core.analysis.equivalence import compare
from rethinkpool_core.analysis.margins import at_margin, at_margins, smallest_margin
from rethinkpool_core.analysis.tables import comparisons
from rethinkpool_core.errors import UsageError


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    return by_seed(rng.normal(0.7, 0.02, 20)), by_seed(rng.normal(0.702, 0.02, 20))


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("margin", [0.5, 2.0])
def test_a_margin_afterwards_is_the_margin_at_once(scores, paired, margin):
    later = at_margin(compare(*scores, paired=paired), margin)
    once = compare(*scores, paired=paired, margin=margin)
    assert later.p_equivalence == approx(once.p_equivalence)
    assert (later.margin, later.verdict, later.p_difference) == (once.margin, once.verdict, once.p_difference)


def test_families_are_adjusted_at_each_margin(runs):
    found = comparisons(runs)
    narrow, usual, wide = at_margins(found)
    assert [one.p_equivalence for one in usual] == approx([one.p_equivalence for one in found])
    assert [one.margin for one in wide] == [2 * one.margin for one in found]
    assert all(a.p_equivalence >= b.p_equivalence for a, b in zip(narrow, wide, strict=True))
    assert {one.family_size for one in narrow} == {len(found)}


def test_smallest_margin_is_where_the_pair_alone_becomes_equivalent(scores):
    one = compare(*scores, paired=True)
    margin = smallest_margin(one)
    assert at_margin(one, margin * 1.0001).verdict == "equivalent"
    assert at_margin(one, margin * 0.9999).verdict != "equivalent"


def test_without_a_test_there_is_no_smallest_margin():
    one = compare(by_seed([0.7]), by_seed([0.8]), paired=True)
    assert smallest_margin(one) is None and at_margin(one, 2.0).verdict == "undecided"


def test_a_margin_is_positive(scores):
    with pytest.raises(UsageError, match="cannot be 0"):
        at_margin(compare(*scores, paired=True), 0)
