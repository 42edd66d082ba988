"""A comparison in a sentence, for readers who know no statistics."""

from __future__ import annotations

from math import floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rethinkpool_core.analysis.equivalence import Comparison


def sentence(one: Comparison) -> str:
    """Describe a comparison in one line: the difference, its confidence interval, the number of seeds and the verdict."""
    digits = decimals(one)
    where = one.dataset + (f" with {one.settings}" if one.settings else "")
    found = f"On {where}, {_difference(one, digits)} over {_seeds(one)}"
    if not one.tested:
        return f"{found}: undecided, since {one.why_untested}{_left_out(one)}."
    interval = f"{_percent(1 - one.alpha)} interval {_range(one, one.low, one.high, digits)}"
    return f"{found} ({interval}): {_verdict(one, digits)}{_left_out(one)}."


def decimals(one: Comparison) -> int:
    """Number of decimals that show two digits of the half width of the interval, and at least as many as scores have."""
    if not one.tested:
        return one.scored_by.digits
    return min(6, max(one.scored_by.digits, 1 - floor(log10((one.high - one.low) / 2))))


def _difference(one: Comparison, digits: int) -> str:
    """``N is 0.4 points better than M``, or ``N and M are 0.0 points apart`` where the difference rounds to 0."""
    size = one.scored_by.amount(one.difference, digits)
    if float(f"{abs(one.difference):.{digits}f}") == 0:
        return f"{one.twin} and {one.method} are {size} apart"
    return f"{one.twin} is {size} {_better_or_worse(one, one.difference)} than {one.method}"


def _better_or_worse(one: Comparison, difference: float) -> str:
    return "better" if (difference > 0) == one.scored_by.higher_is_better else "worse"


def _range(one: Comparison, low: float, high: float, digits: int) -> str:
    """An interval from its worse to its better end."""
    ends = (low, high) if one.scored_by.higher_is_better else (high, low)
    texts = []
    for end in ends:
        number = f"{abs(end):.{digits}f}"
        texts.append(number if float(number) == 0 else f"{number} {_better_or_worse(one, end)}")
    return " to ".join(texts)


def _seeds(one: Comparison) -> str:
    first, second = one.seeds
    if one.paired and one.tested:
        return f"{first} seeds, paired by split"
    if first != second:
        return f"{second} seeds against {first}"
    return "one seed each" if first == 1 else f"{first} seeds each"


def _verdict(one: Comparison, digits: int) -> str:
    margin = one.scored_by.amount(one.margin)
    if one.verdict == "different":
        return f"different, by more than chance explains{_adjustment(one)}"
    if one.verdict == "different within the margin":
        return f"different, yet equivalent within {margin}: a real difference that is too small to matter"
    if one.verdict == "equivalent":
        if -one.margin < one.low and one.high < one.margin:
            return f"equivalent within {margin}{_adjustment(one)}"
        interval = _range(one, *one.unadjusted.tost_interval, digits)
        decisive = f"the {_percent(1 - 2 * one.alpha)} interval, which decides this, is {interval}"
        return f"equivalent within {margin} ({decisive}){_adjustment(one)}"
    effect = one.scored_by.amount(one.minimum_detectable_effect, digits)
    alone = "" if one.family_size == 1 else "in a test of this pair alone, "
    return (
        f"undecided, neither a difference nor equivalence within {margin} is shown{_adjustment(one)}; "
        f"{alone}this many seeds detect a true difference of {effect} with a probability of 80 %"
    )


def _adjustment(one: Comparison) -> str:
    """What is significant only before Holm's adjustment: without this, interval and verdict would seem to disagree."""
    lost = [
        name
        for name, before, after in (
            ("a difference", one.unadjusted.p_difference, one.p_difference),
            ("equivalence", one.unadjusted.p_equivalence, one.p_equivalence),
        )
        if before < one.alpha <= after
    ]
    if not lost:
        return ""
    shown = " and ".join(lost)
    return f" (a test of this pair alone would show {shown}; corrected for {one.family_size} comparisons it does not)"


def _left_out(one: Comparison) -> str:
    parts = []
    if any(one.unmatched):
        parts.append(f"without {_count(sum(one.unmatched), 'seed')} that only one of the two models has")
    parts += [
        f"{_count(failed, 'run')} of {model} failed"
        for failed, model in zip(one.failed, (one.method, one.twin), strict=True)
        if failed
    ]
    return f" ({', '.join(parts)})" if parts else ""


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _percent(share: float) -> str:
    return f"{100 * share:g} %"
