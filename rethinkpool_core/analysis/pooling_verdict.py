"""Does the pooling matter on a dataset? The comparisons of a method with its twin and with no pooling, in a few sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rethinkpool_core.analysis.equivalence import Comparison, compare, holm_adjust

if TYPE_CHECKING:
    from rethinkpool_core.training.record import RunRecord


def compare_runs(runs: Mapping[str, Sequence[RunRecord]], *, paired: bool = True) -> list[Comparison]:
    """Compare the first model with each of the others, with p-values adjusted after Holm.

    runs    what `train` returned by name of the model, all on one dataset
    paired  whether the same seed means the same split

    Raises UsageError as `compare` does.
    """
    (method, first), *others = runs.items()
    scores = {name: {run.seed: run.test_score for run in records} for name, records in runs.items()}
    return holm_adjust(
        [
            compare(
                scores[method],
                scores[other],
                paired=paired,
                metric=first[0].metric,
                names=(first[0].dataset, method, other),
            )
            for other, _ in others
        ]
    )


def pooling_verdict(twin: Comparison, control: Comparison) -> str:
    """Return what two comparisons of one method say: with its randomised twin, and with ``NO-POOL``.

    Both should be adjusted as one family (`holm_adjust`). Where a verdict is "undecided" the text adds how many points these
    seeds would have detected.
    """
    text = f"On {twin.dataset}, {_clusters(twin)}. {_pooling(control)}."
    for one in (twin, control):
        if one.verdict == "undecided" and one.minimum_detectable_effect is not None:
            least = one.scored_by.amount(one.minimum_detectable_effect, one.scored_by.digits)
            text += (
                f" Between {one.method} and {one.twin} these seeds would find a true difference of {least} with a probability of "
                "80 %; more seeds would find smaller ones."
            )
    return text


def _clusters(one: Comparison) -> str:
    """What the comparison with the twin says."""
    if one.verdict == "different":
        return f"it matters which nodes are pooled together: {_better(one)} is better"
    return {
        "different within the margin": "which nodes are pooled together makes a difference that is too small to matter",
        "equivalent": "it does not matter which nodes are pooled together",
        "undecided": "these runs do not show whether it matters which nodes are pooled together",
    }[one.verdict]


def _pooling(one: Comparison) -> str:
    """What the comparison with the control says."""
    if one.verdict == "different":
        helps = "helps" if _better(one) == one.method else "does harm"
        return f"Pooling {helps}: {_better(one)} is better"
    return {
        "different within the margin": "Having no pooling makes a difference that is too small to matter",
        "equivalent": "Having no pooling makes no difference",
        "undecided": "Whether pooling is better than none is open",
    }[one.verdict]


def _better(one: Comparison) -> str:
    return one.twin if (one.difference > 0) == one.scored_by.higher_is_better else one.method
