"""Departures of the authors' release that are parameters, compared both ways from runs of the grid ``released-code``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rethinkpool_core.analysis.equivalence import ALPHA, Comparison, compare, holm_adjust
from rethinkpool_core.datasets.spec import get_spec
from rethinkpool_core.experiments.cell import Cell

if TYPE_CHECKING:
    import pandas as pd

DATASETS = ("NCI1", "PROTEINS")
"""On which the grid ``released-code`` compares both ways."""


@dataclass(frozen=True)
class Departure:
    """A point in which the release does something else than the paper says, or than today's libraries do.

    number      on the page of departures; "operator" for the GraphSAGE convolution
    model       that shows it
    parameter   that turns one way into the other
    paper       value of the paper's way, which is the default here
    release     value of the other way
    datasets    on which the two ways differ
    """

    number: str
    model: str
    parameter: str
    paper: Any
    release: Any
    datasets: tuple[str, ...] = DATASETS

    def cell(self, dataset: str, value: Any) -> Cell:
        """Return the cell with this value of the parameter."""
        return Cell(self.model, dataset, {self.parameter: value})

    @property
    def other(self) -> str:
        """The other way as ``--set`` takes it."""
        value = str(self.release).lower() if isinstance(self.release, bool) else self.release
        return f"{self.parameter}={value}"


DEPARTURES = (
    Departure("1", "N-MINCUTPOOL", "random_assignment", "normal", "uniform"),
    Departure("2", "GMN", "train_keys", True, False),
    # Table S2 gives 64 for PROTEINS too, so the release has the paper's batch size there.
    Departure("3", "GRACLUS", "batch_size", 8, 64, ("NCI1",)),
    Departure("3", "COMPLEMENT", "batch_size", 8, 64, ("NCI1",)),
    Departure("7", "DISTANCE-GMN", "activation", "relu", "leaky_relu"),
    Departure("9", "DIFFPOOL-V2", "norm_padding", False, True),
    Departure("14", "MINCUTPOOL", "learning_rate_patience", 10, 11),
    Departure("17", "DIFFPOOL-V2", "max_ties", "shared", "first"),
    Departure("operator", "DIFFPOOL-V2", "sage", "2020", "pyg2"),
)


@dataclass(frozen=True)
class DepartureEffect:
    """A departure on a dataset: the other way minus the paper's, or None where either has no run yet."""

    departure: Departure
    dataset: str
    comparison: Comparison | None


def departure_effects(
    runs: pd.DataFrame,
    departures: Sequence[Departure] = DEPARTURES,
    *,
    margin: float | None = None,
    alpha: float = ALPHA,
) -> list[DepartureEffect]:
    """Compare both ways of each departure on each of its datasets, with p-values adjusted after Holm.

    runs    rows of `load_results`
    """
    pairs = [(one, dataset) for one in departures for dataset in one.datasets]
    found: list[Comparison | None] = []
    for one, dataset in pairs:
        paper, release = (
            _scores(runs, one.cell(dataset, value).digest) for value in (one.paper, one.release)
        )
        if not (_any(paper) and _any(release)):
            found.append(None)
            continue
        comparison = compare(
            paper,
            release,
            paired=get_spec(dataset).split == "stratified",
            metric=get_spec(dataset).metric,
            margin=margin,
            alpha=alpha,
            names=(dataset, one.model, f"{one.model}, {one.other}"),
        )
        found.append(comparison)
    adjusted = iter(holm_adjust([one for one in found if one is not None]))
    return [
        DepartureEffect(departure, dataset, None if comparison is None else next(adjusted))
        for (departure, dataset), comparison in zip(pairs, found, strict=True)
    ]


def _scores(runs: pd.DataFrame, cell: str) -> dict[int, float | None]:
    part = runs[runs.cell == cell]
    good = part.error.isna() & part.test_score.notna()
    return dict(zip(part.seed, part.test_score.where(good), strict=True))


def _any(scores: dict[int, float | None]) -> bool:
    return any(score is not None and score == score for score in scores.values())
