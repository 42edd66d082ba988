"""What `compare` says of a method and its twin after 2, 3, 4, ... seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkpool_core.analysis.equivalence import Comparison, compare
from rethinkpool_core.analysis.pairs import pairs_among, same_split
from rethinkpool_core.analysis.tables import has_score, metric_of, settings_of
from rethinkpool_core.errors import UsageError
from rethinkpool_core.experiments.grids import DATASETS

if TYPE_CHECKING:
    import pandas as pd


def stored_pairs(runs: pd.DataFrame) -> dict[str, list[tuple[str, str]]]:
    """Return the pairs (method, twin) with at least two seeds in common under the protocol, by dataset, those of Table S1 first.

    runs    rows of `load_results`
    """
    found: dict[str, list[tuple[str, str]]] = {}
    by_dataset = _scores(runs)
    for dataset in dict.fromkeys([*DATASETS, *by_dataset]):
        scores = by_dataset.get(dataset, {})
        pairs = [pair for pair in pairs_among(scores) if len(_shared(scores, *pair)) > 1]
        if pairs:
            found[dataset] = pairs
    return found


def as_seeds_arrive(runs: pd.DataFrame, dataset: str, method: str, twin: str) -> list[Comparison]:
    """Return the comparison of the first 2, 3, ... seeds of both models, up to all that both have, in the order of their numbers.

    No p-value is adjusted for looking several times: whoever stops at the first verdict that pleases has no error rate to speak
    of.

    Raises UsageError where they have no two seeds in common.
    """
    scores = _scores(runs).get(dataset, {})
    shared = _shared(scores, method, twin)
    if len(shared) < 2:
        raise UsageError(
            f"{method} and {twin} have {len(shared)} seeds in common on {dataset}: train at least two"
        )
    paired, metric = same_split(dataset), metric_of(runs[runs.dataset == dataset])
    return [
        compare(
            {seed: scores[method][seed] for seed in shared[:count]},
            {seed: scores[twin][seed] for seed in shared[:count]},
            paired=paired,
            metric=metric,
            names=(dataset, method, twin),
        )
        for count in range(2, len(shared) + 1)
    ]


def _shared(scores: dict[str, dict[int, float]], method: str, twin: str) -> list[int]:
    """Return the seeds of which both models have a score."""
    return sorted(scores.get(method, {}).keys() & scores.get(twin, {}).keys())


def _scores(runs: pd.DataFrame) -> dict[str, dict[str, dict[int, float]]]:
    """Test scores by dataset, model and seed of the runs that follow the protocol and ended well."""
    settings = settings_of(runs)
    found: dict[str, dict[str, dict[int, float]]] = {}
    for run in runs[has_score(runs)].itertuples():
        if not settings[run.cell]:
            found.setdefault(run.dataset, {}).setdefault(run.model, {})[run.seed] = run.test_score
    return found
