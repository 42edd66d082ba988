"""What a comparison found, in a sentence for a reader who knows no statistics."""

from __future__ import annotations

from math import floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rethinkpool_core.analysis.equivalence import Comparison


def sentence(one: Comparison) -> str:
    """One line: who, by how much, over how many seeds, how sure, and the verdict. It never holds a NaN."""
    digits = decimals(one)
    where = one.dataset + (f" with {one.settings}" if one.settings else "")
    found = f"On {where}, {_apart(one, digits)} over {_seeds(one)}"
    if not one.tested:
        return f"{found}: undecided, {one.untested}{_left_out(one)}."
    interval = f"{_percent(1 - one.alpha)} interval {_range(one, one.low, one.high, digits)}"
    return f"{found} ({interval}): {_ending(one, digits)}{_left_out(one)}."


def decimals(one: Comparison) -> int:
    """As many as show the interval's half width with two digits, and no fewer than the scores have."""
    if not one.tested:
        return one.scored_by.digits
    return min(6, max(one.scored_by.digits, 1 - floor(log10((one.high - one.low) / 2))))


def _apart(one: Comparison, digits: int) -> str:
    """``N is 0.4 points better than M``, or that none is seen at these decimals."""
    amount = one.scored_by.amount(one.difference, digits)
    if float(f"{abs(one.difference):.{digits}f}") == 0:
        return f"{one.twin} and {one.method} are {amount} apart"
    return f"{one.twin} is {amount} {_side(one, one.difference)} than {one.method}"


def _side(one: Comparison, difference: float) -> str:
    return "better" if (difference > 0) == (one.scored_by.higher_is_better) else "worse"


def _range(one: Comparison, low: float, high: float, digits: int) -> str:
    """From the worse to the better end."""
    ends = (low, high) if one.scored_by.higher_is_better else (high, low)
    told = []
    for end in ends:
        shown = f"{abs(end):.{digits}f}"
        told.append(shown if float(shown) == 0 else f"{shown} {_side(one, end)}")
    return " to ".join(told)


def _seeds(one: Comparison) -> str:
    first, second = one.seeds
    if one.paired and one.tested:
        return f"{first} seeds, paired by split"
    if first != second:
        return f"{second} seeds against {first}"
    return "one seed each" if first == 1 else f"{first} seeds each"


def _ending(one: Comparison, digits: int) -> str:
    margin = one.scored_by.amount(one.margin)
    if one.verdict == "different":
        return f"different, by more than chance explains{_lost(one)}"
    if one.verdict == "different within the margin":
        return f"different, yet equivalent within {margin}: a real difference, smaller than what matters"
    if one.verdict == "equivalent":
        if -one.margin < one.low and one.high < one.margin:
            return f"equivalent within {margin}{_lost(one)}"
        inner = _range(one, *one.tests.inner, digits)
        decides = f"the {_percent(1 - 2 * one.alpha)} interval, which decides that, is {inner}"
        return f"equivalent within {margin} ({decides}){_lost(one)}"
    shown = one.scored_by.amount(one.minimum_detectable_effect, digits)
    many = "so many seeds" if one.comparisons == 1 else "taken alone, so many seeds"
    return (
        f"undecided, neither a difference nor equivalence within {margin} is shown{_lost(one)}; "
        f"{many} would show a true difference of {shown} four times in five"
    )


def _lost(one: Comparison) -> str:
    """What the correction took away: else the interval and the verdict would seem to disagree."""
    alone = [
        name
        for name, before, after in (
            ("a difference", one.tests.p_difference, one.p_difference),
            ("equivalence", one.tests.p_equivalence, one.p_equivalence),
        )
        if before < one.alpha <= after
    ]
    if not alone:
        return ""
    return f" (alone this pair would show {' and '.join(alone)}, among {one.comparisons} comparisons it does not)"


def _left_out(one: Comparison) -> str:
    parts = []
    if any(one.unpaired):
        parts.append(f"{_count(sum(one.unpaired), 'seed')} of one model alone not used")
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
