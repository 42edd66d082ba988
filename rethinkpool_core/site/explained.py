"""Cells of Table S5 that are far from the printed mean, with what is known about the reason."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

from rethinkpool_core.analysis.departures import DepartureEffect
from rethinkpool_core.analysis.tables import CellScore
from rethinkpool_core.experiments.departures import OPERATOR
from rethinkpool_core.paper import get_metric
from rethinkpool_core.site.found import FAR, listed
from rethinkpool_core.site.table_s5 import TableS5, difference_text, signed

OTHER_DATA = {
    "ZINC": "the [training molecules](../datasets) here are not the published ones, while those of validation and test are"
}
"""Datasets that differ from the published ones."""


def explanations(table: TableS5, effects: Sequence[DepartureEffect]) -> str:
    """Markdown list of the cells further than `FAR` standard errors from the printed mean; empty if there are none.

    effects    of the departures of the release, of which those of a cell's model and dataset are named
    """
    near = [score for score in table.scores if score.z_both is not None]
    far = [score for score in near if abs(score.z_both) >= FAR]
    if not far:
        return ""
    lines = []
    for dataset, why in OTHER_DATA.items():
        models = [f"`{score.model}`" for score in far if score.dataset == dataset]
        if models:
            lines.append(f"- {listed(models)} on `{dataset}`: {why}.\n")
    for score in far:
        known = [
            _effect(one, score)
            for one in effects
            if (one.departure.model, one.dataset) == (score.model, score.dataset)
        ]
        if known or score.dataset not in OTHER_DATA:
            lines.append(
                f"- `{score.model}` on `{score.dataset}`: {'; '.join(known) or 'no reason is known'}.\n"
            )
    by_chance = 2 * (1 - NormalDist().cdf(FAR)) * len(near)
    return (
        f"Of {len(near)} means, {by_chance:.1f} are expected more than {FAR:g} standard errors away by chance alone. "
        f"What is known about those that are:\n\n{''.join(lines)}"
    )


def _effect(one: DepartureEffect, score: CellScore) -> str:
    """What a departure of the release changes in a cell, or how to find out."""
    source = "today's PyTorch Geometric" if one.departure.number == OPERATOR else "the release"
    way = f"`{one.departure.other}`, as in {source}"
    if one.comparison is None:
        command = f"rethinkpool grid released-code --dataset {one.dataset} --model {one.departure.model}"
        return f"whether {way}, explains it has not been tested yet (`{command}`)"
    left = signed(
        score.mean + one.comparison.difference - score.published.mean, get_metric(score.metric).digits
    )
    return (
        f"with {way}, the score changes by {difference_text(one.comparison)} over {one.comparison.seeds[1]} seeds "
        f"({one.comparison.verdict}), which leaves a difference of {left} from the printed mean"
    )
