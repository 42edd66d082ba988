"""What a table of runs shows: each cell beside the printed one, each method beside its twin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import TYPE_CHECKING, Any

from rethinkpool_core.analysis.equivalence import ALPHA, Comparison, compare, holm_adjust
from rethinkpool_core.analysis.pairs import pairs_among
from rethinkpool_core.datasets.spec import DATASETS, get_spec
from rethinkpool_core.errors import UsageError
from rethinkpool_core.models.registry import model_order
from rethinkpool_core.paper import TABLES, PublishedScore, get_metric, published

if TYPE_CHECKING:
    import pandas as pd

PRINTED_RUNS = 20  # behind each number of Table S5 (its caption)


@dataclass(frozen=True)
class CellScore:
    """Test scores of a cell, in points or for ``mae`` in the target's units; ``std`` is that of the seeds, None of one.

    cell        its digest
    settings    what of it differs from the protocol
    """

    cell: str
    dataset: str
    model: str
    metric: str
    settings: str
    seeds: int
    failed: int
    mean: float | None
    std: float | None
    printed: PublishedScore | None

    @property
    def in_printed_std(self) -> float | None:
        """Ours minus the printed mean, in printed standard deviations: how far, on the scale of one run."""
        if self.mean is None or self.printed is None:
            return None
        return (self.mean - self.printed.mean) / self.printed.std

    @property
    def in_standard_errors(self) -> float | None:
        """The same in standard errors of that difference, from both spreads: beyond 2, chance seldom explains it.

        The printed mean itself is rounded, to a tenth of a point or a hundredth of the target's unit.
        """
        if self.mean is None or self.printed is None or self.std is None:
            return None
        error = sqrt(self.std**2 / self.seeds + self.printed.std**2 / PRINTED_RUNS)
        return (self.mean - self.printed.mean) / error

    @property
    def in_printed_standard_errors(self) -> float | None:
        """The same in standard errors of the printed mean alone."""
        return None if self.in_printed_std is None else self.in_printed_std * sqrt(PRINTED_RUNS)


def cell_scores(runs: pd.DataFrame, names: Mapping[str, str] | None = None) -> list[CellScore]:
    """One entry a cell, sorted by dataset as in Table S1, model and settings.

    names    settings of cells that differ from the protocol, by digest: those have no printed score

    Raises UsageError for runs that contradict each other (`_checked`).
    """
    names, found = names or {}, []
    for (cell, dataset, model), group in _checked(runs).groupby(["cell", "dataset", "model"], sort=False):
        metric = group.metric.iloc[0]
        scores = get_metric(metric).scale * group.test_score[_good(group)].to_numpy(dtype=float)
        found.append(
            CellScore(
                cell,
                dataset,
                model,
                metric,
                names.get(cell, ""),
                seeds=len(scores),
                failed=len(group) - len(scores),
                mean=float(scores.mean()) if len(scores) else None,
                std=float(scores.std(ddof=1)) if len(scores) > 1 else None,
                printed=None if names.get(cell) else _printed(model, dataset),
            )
        )
    return sorted(found, key=lambda score: (_place(score.dataset), model_order(score.model), score.settings))


def comparisons(
    runs: pd.DataFrame,
    names: Mapping[str, str] | None = None,
    *,
    margin: float | None = None,
    alpha: float = ALPHA,
    paired: bool | None = None,
) -> list[Comparison]:
    """Every method with its twins and the control, on every dataset, holm_adjust after Holm over all of them.

    names     as for `cell_scores`: a pair is of the same settings
    margin    one for all metrics; by default each has its own (`paper.metrics`)
    paired    whether the same seed means the same split; by default so where the dataset's split is drawn by the seed

    A pair of which one model has no score yet is left out. Raises UsageError as `cell_scores`, as `compare`, and where one
    name covers two configurations of a model.
    """
    names, found = names or {}, []
    settings = runs.cell.map(lambda cell: names.get(cell, ""))
    for (dataset, name), group in _checked(runs).groupby(["dataset", settings], sort=False):
        scores = {}
        for model, part in group.groupby("model"):
            if part.cell.nunique() > 1:
                raise UsageError(
                    f"{model} on {dataset} has runs of {part.cell.nunique()} configurations "
                    f"{f'named {name}' if name else 'without a name'}: name them apart, as `settings_of` does"
                )
            if _good(part).any():
                scores[model] = dict(zip(part.seed, part.test_score.where(_good(part)), strict=True))
        for method, twin in pairs_among(scores):
            one = compare(
                scores[method],
                scores[twin],
                paired=get_spec(dataset).split == "stratified" if paired is None else paired,
                metric=group.metric.iloc[0],
                margin=margin,
                alpha=alpha,
                names=(dataset, method, twin),
            )
            found.append(replace(one, settings=name))
    return holm_adjust(sorted(found, key=lambda one: (_place(one.dataset), one.settings)))


def _good(runs: pd.DataFrame) -> pd.Series:
    """Which runs ended well, with a score."""
    return runs.error.isna() & runs.test_score.notna()


def _checked(runs: pd.DataFrame) -> pd.DataFrame:
    """``runs``, if every run is there once, each dataset has one metric, and shares are shares (raises UsageError)."""
    twice = runs[runs.duplicated(["cell", "seed"])]
    if len(twice):
        one = twice.iloc[0]
        raise UsageError(
            f"seed {one.seed} of {one.model} on {one.dataset} is there twice: give each run once"
        )
    for dataset, metrics in runs.groupby("dataset").metric:
        if metrics.nunique() > 1:
            mixed = " and ".join(sorted(metrics.unique()))
            raise UsageError(f"runs on {dataset} are scored by {mixed}: compare those of one score")
    largest = runs.metric.map(lambda metric: get_metric(metric).largest)
    wrong = runs[_good(runs) & ((runs.test_score < 0) | (runs.test_score > largest))]
    if len(wrong):
        one = wrong.iloc[0]
        raise UsageError(
            f"seed {one.seed} of {one.model} on {one.dataset} has {one.metric} {one.test_score:g}: "
            "give shares between 0 and 1 and errors of at least 0, as runs record them"
        )
    return runs


def overall(found: Sequence[Comparison]) -> str:
    """All comparisons in one sentence."""
    if not found:
        return "No method and its twin have both been trained yet with the same settings."
    counts = {
        verdict: sum(one.verdict == verdict for one in found)
        for verdict in ("equivalent", "different within the margin", "different", "undecided")
    }
    parts = [f"{count} {verdict}" for verdict, count in counts.items() if count]
    level = f"{100 * found[0].alpha:.0f} %"
    return (
        f"Of {len(found)} comparison{'s' if len(found) > 1 else ''}: {', '.join(parts)} "
        f"(at a level of {level} over all of them, after Holm)."
    )


def settings_of(runs: pd.DataFrame) -> dict[str, str]:
    """A name for each cell, from what is recorded: "" for the protocol's own, else the parameters that differ from it."""
    cells = runs.drop_duplicates("cell")[["cell", "model", "dataset", "config"]]
    several = set(
        cells[cells.duplicated(["model", "dataset"])][["model", "dataset"]].itertuples(index=False, name=None)
    )
    return {
        row.cell: _settings(row.cell, row.model, row.dataset, row.config, (row.model, row.dataset) in several)
        for row in cells.itertuples()
    }


def _settings(cell: str, model: str, dataset: str, config: Mapping[str, Any], several: bool) -> str:
    """``several``: whether there are other cells of this model and dataset to be told from."""
    from rethinkpool_core.experiments.cell import Cell

    try:
        usual = Cell(model, dataset)
    except UsageError:  # not registered here, so that its protocol is not known
        return f"cell {cell[:6]}" if several else ""
    if usual.digest == cell:
        return ""
    expected, recorded = _flat(usual.config), _flat(config)
    # A parameter that is recorded only where it is changed is not among the expected ones.
    keys = [*expected, *(key for key in recorded if key not in expected and key != "max_nodes")]
    other = [
        f"{key}={recorded[key]}" for key in keys if key in recorded and recorded[key] != expected.get(key)
    ]
    return ", ".join(other) or f"cell {cell[:6]}"


def _flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """One level of keys; tuples as JSON has them."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= _flat(value)
        else:
            flat[key] = list(value) if isinstance(value, tuple) else value
    return flat


def _printed(model: str, dataset: str) -> PublishedScore | None:
    if model not in TABLES["S5"].models or dataset not in {row.dataset for row in published("S5", model)}:
        return None
    return published("S5", model, dataset)


def _place(dataset: str) -> tuple[int, str]:
    names = list(DATASETS)
    return (names.index(dataset) if dataset in names else len(names), dataset)
