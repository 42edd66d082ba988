"""What the committed runs of Table S5 show, in sentences for the landing page, the README and the page of the table."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from rethinkpool_core.analysis.equivalence import Comparison
from rethinkpool_core.analysis.margins import smallest_margin
from rethinkpool_core.analysis.sentences import decimals
from rethinkpool_core.analysis.tables import CellScore
from rethinkpool_core.site.table_s5 import TableS5

FAR = 2.0
"""Standard errors from the printed mean beyond which a cell is pointed out."""

VERDICT_WORDS = {
    "equivalent": "shown equivalent",
    "different within the margin": "different, by less than the margin",
    "different": "shown different",
    "undecided": "undecided",
}


def verdict(table: TableS5) -> str:
    """Return the verdicts on all pairs in one sentence."""
    if not table.ours:
        return "No pair of Table S5 has been run here yet."
    counts = {name: sum(one.verdict == name for one in table.ours) for name in VERDICT_WORDS}
    parts = [f"{count} {VERDICT_WORDS[name]}" for name, count in counts.items() if count]
    if len(parts) == 1 and len(table.ours) > 1:
        parts = [f"all {parts[0]}"]
    return (
        f"Of the {len(table.printed)} pairs of Table S5, {len(table.ours)} have been run here so far, with "
        f"{seeds_text(table.scores)} per model: {listed(parts)}."
    )


def agreement(table: TableS5) -> str:
    """Return how far our means are from the printed ones."""
    run = [score for score in table.scores if score.mean is not None]
    if not run:
        return f"No cell of {table.title} has been run here yet."
    found = f"{len(run)} of the {len(table.cells)} cells of {table.title} have been run, with {seeds_text(run)} per model"
    near = [score for score in run if score.z_both is not None]
    if not near:
        return f"{found}: too few to say how far their means are from the printed ones."
    if len(near) < len(run):
        found += f"; of the {len(near)} with more than one seed"
    far = [score for score in near if abs(score.z_both) >= FAR]
    if not far:
        largest = ceil(10 * max(abs(score.z_both) for score in near)) / 10
        return f"{found}: all means are within {largest:.1f} standard errors of the printed ones."
    names = listed([f"{score.model} on {score.dataset} ({score.z_both:+.1f})" for score in far])
    within = len(near) - len(far)
    near_text = (
        f"{within} {'mean is' if within == 1 else 'means are'} within two standard errors of the printed ones"
    )
    return f"{found}: {near_text}; further away, in standard errors: {names}."


def differences(table: TableS5) -> str:
    """Return the range of the differences, and which of them are significant."""
    if not table.ours:
        return "No method of Table S5 has been run together with its twin yet."
    in_points = [one for one in table.ours if one.scored_by.unit]
    parts = []
    if in_points:
        ends = dict.fromkeys(_amount(extreme(in_points, key=_gain)) for extreme in (min, max))
        parts.append(f"the randomised twin scores {' to '.join(ends)} than its method")
    for dataset in dict.fromkeys(one.dataset for one in table.ours if not one.scored_by.unit):
        there = [one for one in table.ours if one.dataset == dataset]
        sizes = [
            f"{one.scored_by.amount(one.difference, decimals(one))} {'higher' if one.difference > 0 else 'lower'} "
            f"than that of {one.method}"
            for one in there
        ]
        parts.append(f"on {dataset} the {there[0].scored_by.title} of the twin is {listed(sizes)}")
    different = [one for one in table.ours if one.verdict.startswith("different")]
    parts.append(f"significant: {named(different)}" if different else "no difference is significant")
    said = "; ".join(parts)
    return f"{said[0].upper()}{said[1:]}."


def equivalence(table: TableS5) -> str:
    """Return for how many pairs equivalence is shown, and which are undecided."""
    if not table.ours:
        return "Nothing can be said about equivalence yet."
    margin = _margin(table)
    shown = [one for one in table.ours if one.verdict in ("equivalent", "different within the margin")]
    undecided = [one for one in table.ours if one.verdict == "undecided"]
    said = f"Equivalence within {margin} is shown for {len(shown)} of {pairs(len(table.ours))}"
    if shown:
        said += f" ({named(shown)})"
    if undecided:
        every = "all " if len(undecided) == len(table.ours) else ""
        said += f"; {every}{len(undecided)} {'is' if len(undecided) == 1 else 'are'} undecided"
        if not every:
            said += f" ({named(undecided)})"
    return f"{said}."


def claim(table: TableS5, control: Sequence[Comparison] = ()) -> str:
    """Return what the runs say about the claim: a Markdown list of verdicts, and how to read it.

    control    the methods against NO-POOL (`against_no_pooling`)
    """
    if not table.ours:
        return "No method of Table S5 has been run together with its twin yet, so nothing can be said about the claim."
    by_verdict = {name: [one for one in table.ours if one.verdict == name] for name in VERDICT_WORDS}
    parts = []
    if by_verdict["equivalent"]:
        parts.append(f"the twin is equivalent to {named(by_verdict['equivalent'])}")
    if by_verdict["different within the margin"]:
        parts.append(
            f"it differs by less than the margin from {named(by_verdict['different within the margin'])}"
        )
    if by_verdict["different"]:
        amounts = [f"{one.method} on {one.dataset} ({_amount(one)})" for one in by_verdict["different"]]
        parts.append(f"it differs from {listed(amounts)}")
    if by_verdict["undecided"]:
        margins = [
            f"{one.method} on {one.dataset} ({_supported_margin(one)})"
            for one in by_verdict["undecided"]
            if one.tested
        ]
        if margins:
            parts.append(
                f"these seeds do not decide {listed(margins)}; in brackets is the smallest margin that a test of "
                "the pair alone supports"
            )
        untested = [one for one in by_verdict["undecided"] if not one.tested]
        if untested:
            parts.append(f"these seeds allow no test for {named(untested)}")
    verdicts = "".join(f"- {one}\n" for one in parts)
    text = (
        f"With {seeds_text(table.scores)} per model and a margin of {_margin(table)}:\n\n{verdicts}\n"
        f"The level is {100 * table.ours[0].alpha:g} % for all {pairs(len(table.ours))} together, after Holm's correction."
    )
    if control:
        equal = [one for one in control if one.verdict == "equivalent"]
        different = [one for one in control if one.verdict.startswith("different")]
        parts = [f"equivalent to {named(equal)}"] if equal else []
        for word, sign in (("worse", -1), ("better", 1)):
            part = [one for one in different if sign * _gain(one) > 0]
            parts += [f"{word} than {named(part)}"] if part else []
        undecided = [one for one in control if one.verdict == "undecided"]
        parts += [f"neither shown different from nor equivalent to {named(undecided)}"] if undecided else []
        text += f" No pooling at all is {'; '.join(parts)}."
    return (
        f"{text} All of this is about splits and initialisations on these graphs; whether it holds for others of the same kind "
        "is another question, answered below."
    )


def printed_line(table: TableS5) -> str:
    """Return which pairs of the printed table differ by the same tests."""
    different = [one for one in table.printed if one.comparison.verdict.startswith("different")]
    sure = [one.comparison for one in different if one.survives_rounding]
    frail = [one.comparison for one in different if not one.survives_rounding]
    text = (
        f"By the same tests, {len(different)} of the {len(table.printed)} printed pairs differ: {named(sure)}"
    )
    return text + (f" and, depending on how the numbers were rounded, {named(frail)}." if frail else ".")


def printed_verdict(table: TableS5) -> str:
    """Return a Markdown list of the pairs of the printed table that differ, and a sentence on the others."""
    lines = []
    for one in table.printed:
        pair = one.comparison
        if not pair.verdict.startswith("different"):
            continue
        _, p = one.rounded_difference
        rounding = (
            "" if one.survives_rounding else f", but up to {p_text(p)} for other numbers that round to these"
        )
        size = _amount(pair)
        said = (
            f"the twin scores {size}"
            if pair.scored_by.unit
            else f"the twin's {pair.scored_by.title} is {size}"
        )
        lines.append(
            f"- `{pair.method}` on `{pair.dataset}`: {said} "
            f"(p {p_text(pair.unadjusted.p_difference)}, after Holm {p_text(pair.p_difference)}{rounding})\n"
        )
    equivalent = [one.comparison for one in table.printed if one.comparison.verdict == "equivalent"]
    undecided = sum(one.comparison.verdict == "undecided" for one in table.printed)
    rest = f"Of the others, {undecided} are undecided: twenty runs with these standard deviations cannot show equivalence either."
    if equivalent:
        rest += f" The printed numbers of {named(equivalent)} are equivalent"
        frail = [
            one
            for one in table.printed
            if one.comparison.verdict == "equivalent" and not one.survives_rounding
        ]
        rest += ", but rounding could hide a difference as large as the margin." if frail else "."
    return "".join(lines) + "\n" + rest + "\n"


def p_text(number: float) -> str:
    """A p-value with three decimals, or ``"below 0.001"``."""
    return "below 0.001" if number < 0.001 else f"{number:.3f}"


def named(found: Sequence[Comparison]) -> str:
    """``"MINCUTPOOL on NCI1 and IMDB-B, DIFFPOOL-V2 on NCI1"``."""
    by_method: dict[str, list[str]] = {}
    for one in found:
        by_method.setdefault(one.method, []).append(one.dataset)
    return ", ".join(f"{method} on {listed(datasets)}" for method, datasets in by_method.items())


def seeds_text(scores: Sequence[CellScore]) -> str:
    """``"20 seeds"`` or ``"20 to 200 seeds"``."""
    counts = sorted({score.seeds for score in scores if score.seeds})
    if len(counts) == 1:
        return "1 seed" if counts[0] == 1 else f"{counts[0]} seeds"
    return f"{counts[0]} to {counts[-1]} seeds"


def pairs(number: int) -> str:
    return "1 pair" if number == 1 else f"{number} pairs"


def listed(words: Sequence[str]) -> str:
    """``"a, b and c"``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _margin(table: TableS5) -> str:
    """``"1 point"``, or ``"1 point (0.01 on ZINC)"``."""
    first, *others = dict.fromkeys(
        one.scored_by.amount(one.margin) + ("" if one.scored_by.unit else f" on {one.dataset}")
        for one in table.ours
    )
    return f"{first} ({', '.join(others)})" if others else first


def _supported_margin(one: Comparison) -> str:
    """``"0.89 points"``, the smallest margin that the seeds of a tested pair support."""
    return one.scored_by.amount(smallest_margin(one), decimals(one))


def _gain(one: Comparison) -> float:
    """The difference, positive where the twin is better."""
    return one.difference if one.scored_by.higher_is_better else -one.difference


def _amount(one: Comparison) -> str:
    """``"1.1 points less"``, or ``"0.004 more"`` of an error."""
    word = "more" if one.difference > 0 else "less"
    return f"{one.scored_by.amount(one.difference, one.scored_by.digits + (not one.scored_by.unit))} {word}"
