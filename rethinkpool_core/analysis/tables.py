"""Tables of runs: the scores of each cell beside the published ones, and comparisons of methods with their twins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import TYPE_CHECKING, Any

from rethinkpool_core.analysis.equivalence import ALPHA, Comparison, compare, holm_adjust
from rethinkpool_core.analysis.pairs import pairs_among, same_split
from rethinkpool_core.datasets.spec import DATASETS
from rethinkpool_core.errors import UsageError
from rethinkpool_core.models.registry import model_order
from rethinkpool_core.paper import TABLES, PublishedScore, get_metric, published

if TYPE_CHECKING:
    import pandas as pd

PUBLISHED_SEEDS = 20  # per number of Table S5, according to its caption


@dataclass(frozen=True)
class CellScore:
    """Test scores of a cell, in points or, for ``mae``, in the target's unit.

    cell            digest of the cell
    settings        what it changes in the protocol
    seeds, failed   number of runs with and without a score
    mean, std       over the seeds; None where there are too few
    published       score that the paper prints for this cell, if any
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
    published: PublishedScore | None

    @property
    def shown(self) -> str:
        """Mean and standard deviation, as ``"84.6 ± 2.2"``; empty without a mean."""
        if self.mean is None:
            return ""
        digits = get_metric(self.metric).digits
        return f"{self.mean:.{digits}f}" + ("" if self.std is None else f" ± {self.std:.{digits}f}")

    @property
    def difference_in_sd(self) -> float | None:
        """Our mean minus the published one, in published standard deviations: the scale of a single run."""
        if self.mean is None or self.published is None:
            return None
        return (self.mean - self.published.mean) / self.published.std

    @property
    def z_published(self) -> float | None:
        """The same difference in standard errors of the published mean alone."""
        return None if self.difference_in_sd is None else self.difference_in_sd * sqrt(PUBLISHED_SEEDS)

    @property
    def z_both(self) -> float | None:
        """The same difference in its standard error, from both standard deviations: beyond 2 it is seldom chance.

        The published mean itself is rounded, to a tenth of a point or a hundredth of the target's unit.
        """
        if self.mean is None or self.published is None or self.std is None:
            return None
        standard_error = sqrt(self.std**2 / self.seeds + self.published.std**2 / PUBLISHED_SEEDS)
        return (self.mean - self.published.mean) / standard_error


def cell_scores(runs: pd.DataFrame, names: Mapping[str, str] | None = None) -> list[CellScore]:
    """Scores per cell, sorted by dataset in the order of Table S1, model and settings.

    names    settings of cells that differ from the protocol, by digest: these have no published score

    Raises UsageError where a run occurs twice, a dataset has several metrics, or a score is out of range.
    """
    names, found = names or {}, []
    for (cell, dataset, model), group in _checked(runs).groupby(["cell", "dataset", "model"], sort=False):
        metric = metric_of(group)
        scores = get_metric(metric).scale * group.test_score[has_score(group)].to_numpy(dtype=float)
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
                published=None if names.get(cell) else _published(model, dataset),
            )
        )
    return sorted(
        found, key=lambda score: (_dataset_order(score.dataset), model_order(score.model), score.settings)
    )


def comparisons(
    runs: pd.DataFrame,
    names: Mapping[str, str] | None = None,
    *,
    margin: float | None = None,
    alpha: float = ALPHA,
    paired: bool | None = None,
) -> list[Comparison]:
    """Compare every method with its twins and with the control on every dataset, with p-values adjusted after Holm.

    names     as for `cell_scores`; only cells with the same settings are compared
    margin    of equivalence for all metrics; by default each metric has its own (`paper.metrics`)
    paired    whether the same seed means the same split; by default as `same_split` says

    Pairs of which one model has no score are left out.

    Raises UsageError as `cell_scores` and `compare` do, and where cells of several configurations have the same name.
    """
    names, found = names or {}, []
    settings = runs.cell.map(lambda cell: names.get(cell, ""))
    for (dataset, name), group in _checked(runs).groupby(["dataset", settings], sort=False):
        scores = {}
        for model, part in group.groupby("model"):
            if part.cell.nunique() > 1:
                raise UsageError(
                    f"{model} on {dataset} has runs of {part.cell.nunique()} configurations "
                    f"{f'named {name}' if name else 'without a name'}: give each its name, as `settings_of` does"
                )
            if has_score(part).any():
                scores[model] = dict(zip(part.seed, part.test_score.where(has_score(part)), strict=True))
        for method, twin in pairs_among(scores):
            one = compare(
                scores[method],
                scores[twin],
                paired=same_split(dataset) if paired is None else paired,
                metric=metric_of(group),
                margin=margin,
                alpha=alpha,
                names=(dataset, method, twin),
            )
            found.append(replace(one, settings=name))
    return holm_adjust(sorted(found, key=lambda one: (_dataset_order(one.dataset), one.settings)))


def has_score(runs: pd.DataFrame) -> pd.Series:
    """Which runs have a score and did not fail."""
    return runs.error.isna() & runs.test_score.notna()


def metric_of(runs: pd.DataFrame) -> str:
    """Return the metric of runs on one dataset: of a run with a score, if any, since one that failed may have that of a guess."""
    scored = runs.metric[has_score(runs)]
    return (scored if len(scored) else runs.metric).iloc[0]


def _checked(runs: pd.DataFrame) -> pd.DataFrame:
    """Return ``runs`` if they are consistent.

    Raises UsageError where a run occurs twice, a dataset has several metrics, or a score is out of range.
    """
    twice = runs[runs.duplicated(["cell", "seed"])]
    if len(twice):
        one = twice.iloc[0]
        raise UsageError(f"seed {one.seed} of {one.model} on {one.dataset} occurs twice: give each run once")
    for dataset, metrics in runs[has_score(runs)].groupby("dataset").metric:
        if metrics.nunique() > 1:
            mixed = " and ".join(sorted(metrics.unique()))
            raise UsageError(f"runs on {dataset} have the metrics {mixed}: compare runs of one metric")
    largest = runs.metric.map(lambda metric: get_metric(metric).largest).astype(float)
    wrong = runs[has_score(runs) & ((runs.test_score < 0) | (runs.test_score > largest))]
    if len(wrong):
        one = wrong.iloc[0]
        raise UsageError(
            f"seed {one.seed} of {one.model} on {one.dataset} has {one.metric} {one.test_score:g}: "
            "give scores as runs record them, accuracy and ROC-AUC between 0 and 1 and errors of at least 0"
        )
    return runs


def overall(found: Sequence[Comparison]) -> str:
    """Count the verdicts of a family of comparisons in one sentence."""
    if not found:
        return "No method has been trained together with its twin in the same settings yet."
    counts = {
        verdict: sum(one.verdict == verdict for one in found)
        for verdict in ("equivalent", "different within the margin", "different", "undecided")
    }
    parts = [f"{count} {verdict}" for verdict, count in counts.items() if count]
    level = f"{100 * found[0].alpha:g} %"
    return (
        f"Of {len(found)} comparison{'s' if len(found) > 1 else ''}: {', '.join(parts)} "
        f"(level {level} for the whole family, after Holm)."
    )


def settings_of(runs: pd.DataFrame) -> dict[str, str]:
    """Names of cells from their recorded configuration: the parameters that differ from the protocol, "" where none does."""
    cells = runs.drop_duplicates("cell")[["cell", "model", "dataset", "config"]]
    several = set(
        cells[cells.duplicated(["model", "dataset"])][["model", "dataset"]].itertuples(index=False, name=None)
    )
    return {
        row.cell: _settings(row.cell, row.model, row.dataset, row.config, (row.model, row.dataset) in several)
        for row in cells.itertuples()
    }


def _settings(cell: str, model: str, dataset: str, config: Mapping[str, Any], several: bool) -> str:
    """``several``: whether there are other cells of this model and dataset, which need other names."""
    from rethinkpool_core.experiments.cell import Cell
    from rethinkpool_core.experiments.repeat import changed_parameters

    try:
        usual = Cell(model, dataset)
    except UsageError:  # not registered here, so that its protocol is not known
        return f"cell {cell[:6]}" if several else ""
    if usual.digest == cell:
        return ""
    other = [f"{key}={value}" for key, value in changed_parameters(model, dataset, config).items()]
    return ", ".join(other) or f"cell {cell[:6]}"


def _published(model: str, dataset: str) -> PublishedScore | None:
    if model not in TABLES["S5"].models or dataset not in {row.dataset for row in published("S5", model)}:
        return None
    return published("S5", model, dataset)


def _dataset_order(dataset: str) -> tuple[int, str]:
    names = list(DATASETS)
    return (names.index(dataset) if dataset in names else len(names), dataset)
