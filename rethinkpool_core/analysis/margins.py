"""Equivalence at other margins: what a comparison would show, and the smallest margin that it supports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rethinkpool_core.analysis.equivalence import Comparison, holm_adjust
from rethinkpool_core.analysis.two_samples import t_tests_of_difference
from rethinkpool_core.errors import UsageError

FACTORS = (0.5, 1.0, 2.0)
"""Of the default margins: 0.5, 1 and 2 points, or 0.005, 0.01 and 0.02 of an error."""


def at_margins(found: Sequence[Comparison], factors: Sequence[float] = FACTORS) -> list[list[Comparison]]:
    """Return a family of comparisons once per factor, at that many default margins, each time adjusted after Holm."""
    return [
        holm_adjust([at_margin(one, factor * one.scored_by.margin) for one in found]) for factor in factors
    ]


def at_margin(one: Comparison, margin: float) -> Comparison:
    """Return a comparison with its test of equivalence at another margin, not adjusted.

    Raises UsageError for a margin that is not positive.
    """
    if not margin > 0:
        raise UsageError(f"the margin of equivalence cannot be {margin}: give a positive number")
    if one.unadjusted is None:
        return replace(one, margin=margin)
    tests = one.unadjusted
    tests = t_tests_of_difference(
        tests.difference, tests.standard_error, tests.degrees_of_freedom, margin, one.alpha
    )
    return replace(
        one,
        margin=margin,
        unadjusted=tests,
        p_difference=tests.p_difference,
        p_equivalence=tests.p_equivalence,
        family_size=1,
    )


def smallest_margin(one: Comparison) -> float | None:
    """Return the margin above which the pair alone is equivalent: the end of its 1 - 2 alpha interval that is further from 0.

    It was chosen by looking at the results, so it is a description of them and no test.
    """
    return None if one.unadjusted is None else max(abs(end) for end in one.unadjusted.tost_interval)
