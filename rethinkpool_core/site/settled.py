"""Tables on how far the claim is settled: margins, the plan of seeds and its power, the corrected test, all datasets together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rethinkpool_core.analysis.corrected_t_test import corrected_t_test
from rethinkpool_core.analysis.equivalence import Comparison
from rethinkpool_core.analysis.equivalence_power import equivalence_power
from rethinkpool_core.analysis.margins import FACTORS, at_margins, smallest_margin
from rethinkpool_core.analysis.pooled_difference import pooled_difference
from rethinkpool_core.analysis.seed_plan import DATE, PLAN, planned_power
from rethinkpool_core.analysis.sentences import decimals
from rethinkpool_core.site.found import listed, p_text
from rethinkpool_core.site.provenance import provenance
from rethinkpool_core.site.table_s5 import GRID, TableS5, difference_text, load_table_s5, signed, unbroken
from rethinkpool_core.site.tables import markdown, raw_html


def write_settled(folder: Path) -> None:
    """Write ``settled-*.md``, which the page on statistics includes, from the committed runs."""
    folder.mkdir(parents=True, exist_ok=True)
    table: TableS5 = load_table_s5()
    parts = {
        "plan": plan_table(table),
        "margins": margins_table(table.ours),
        "corrected": corrected_table(table.ours),
        "pooled": pooled_text(table.ours),
    }
    line = raw_html(provenance(table.runs, GRID, site_root=".", every_seed=False).html)
    for name, text in parts.items():
        text = f"{text}\n{line}"
        (folder / f"settled-{name}.md").write_text(text, encoding="utf-8")


def plan_table(table: TableS5) -> str:
    """The plan of seeds with its power, and how many seeds there are so far."""
    rows, runs = [], table.runs
    for one in planned_power(runs):
        pair = one.pair
        if pair.dataset not in table.datasets:
            continue
        there = [
            runs[(runs.dataset == pair.dataset) & (runs.model == model) & runs.error.isna()].seed.nunique()
            for model in (pair.method, pair.twin)
        ]
        rows.append(
            [
                f"`{pair.dataset}`",
                f"`{pair.method}`",
                pair.seeds,
                min(there),
                ("" if one.measured else "about ") + f"{one.std:.1f}",
                f"{one.alone:.2f}",
                f"{one.first_of_all:.2f}",
                f"{one.margin_80:.1f}",
            ]
        )
    header = ["dataset", "method", "seeds planned", "seeds so far", "SD of the difference"]
    header += ["power alone", f"power as first of {len(PLAN)}", "margin with 80 % power"]
    return f"Plan of {DATE}:\n\n" + markdown(header, rows)


def margins_table(found: Sequence[Comparison]) -> str:
    """Verdict of each pair over margins, the smallest margin that its seeds support, and their power at the usual one."""
    if not found:
        return NOTHING
    families = at_margins(found)
    rows = [
        [
            f"`{one.dataset}`",
            f"`{one.method}`",
            f"{one.seeds[0]}",
            *(family[number].verdict for family in families),
            "" if (margin := smallest_margin(one)) is None else f"{margin:.{decimals(one)}f}",
            "" if one.unadjusted is None else f"{_power(one):.2f}",
        ]
        for number, one in enumerate(found)
    ]
    heads = [f"{factor:g} point{'' if factor == 1 else 's'}" for factor in FACTORS]
    return markdown(["dataset", "method", "seeds", *heads, "smallest margin", "power at 1 point"], rows)


def _power(one: Comparison) -> float:
    """Power to show equivalence at the default margin with so many seeds, had they this spread and no true difference."""
    tests = one.unadjusted
    return equivalence_power(
        tests.standard_error, tests.degrees_of_freedom, one.scored_by.margin, alpha=one.alpha
    )


def corrected_table(found: Sequence[Comparison]) -> str:
    """The paired intervals beside the corrected ones, for pairs whose seeds draw their splits."""
    rows = []
    for one in found:
        if not (one.paired and one.tested):
            continue
        corrected = corrected_t_test(one)
        digits = decimals(one)
        low, high = corrected.tests.interval
        rows.append(
            [
                f"`{one.dataset}`",
                f"`{one.method}`",
                difference_text(one),
                f"{signed(low, digits)} to {signed(high, digits)}",
                f"{corrected.tests.p_difference:.2f}",
                f"{corrected.tests.p_equivalence:.2f}",
                f"{corrected.floor:.1f}",
            ]
        )
    if not rows:
        return NOTHING
    header = ["dataset", "method", "paired", "corrected interval", "p (difference)", "p (equivalence)"]
    return unbroken(markdown([*header, "smallest margin, any number of seeds"], rows))


def pooled_text(found: Sequence[Comparison]) -> str:
    """A sentence per method over all its datasets with a score in points."""
    lines = []
    for method in dict.fromkeys(one.method for one in found):
        part = [one for one in found if one.method == method and one.scored_by.unit and one.tested]
        if len(part) < 2:
            continue
        pooled = pooled_difference(part)
        mean, low, high = pooled.fixed
        random, random_low, random_high = pooled.random
        said = "within" if pooled.equivalent else "not shown to be within"
        lines.append(
            f"- `{pooled.twin}` minus `{method}` over {listed(pooled.datasets)}: {signed(mean, 2)} points "
            f"({100 * (1 - pooled.alpha):g} % interval {signed(low, 2)} to {signed(high, 2)}), {said} "
            f"{part[0].scored_by.amount(pooled.margin)}. "
            f"If the true difference may vary between datasets: {signed(random, 2)} ({signed(random_low, 1)} to "
            f"{signed(random_high, 1)}), with a standard deviation between datasets of {pooled.tau:.2f} "
            f"(I² {100 * pooled.i2:.0f} %, p of homogeneity {p_text(pooled.p_same)})."
            + (
                " The datasets differ, so the first number describes none of them.\n"
                if pooled.p_same < pooled.alpha
                else "\n"
            )
        )
    return "".join(lines) or NOTHING


NOTHING = "No pair has enough runs for this yet.\n"
