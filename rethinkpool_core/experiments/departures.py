"""The departures of the authors' release that are parameters here (`notebooks/f_released_code.ipynb`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rethinkpool_core.experiments.cell import Cell

DATASETS = ("NCI1", "PROTEINS")
"""On which the grid ``released-code`` compares both ways."""

OPERATOR = "operator"


@dataclass(frozen=True)
class Departure:
    """A point in which the release does something else than the paper says, or than today's libraries do.

    number      on the page of departures; `OPERATOR` for the GraphSAGE convolution, which the release has and libraries changed
    model       that shows it
    parameter   that turns one way into the other
    paper       value of the paper's way, the default here except for departure 7
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
    # On ZINC and DD too, where this model is far from the printed score; on DD most of a padded batch is padding.
    Departure("9", "DIFFPOOL-V2", "norm_padding", False, True, (*DATASETS, "ZINC", "DD")),
    Departure("14", "MINCUTPOOL", "learning_rate_patience", 10, 11),
    Departure("17", "DIFFPOOL-V2", "max_ties", "shared", "first"),
    Departure(OPERATOR, "DIFFPOOL-V2", "sage", "2020", "pyg2", (*DATASETS, "ZINC", "DD")),
    # Of the twin too, whose pooled features add up the convolutions, in which a node does not see itself, one by one.
    Departure(OPERATOR, "N-DIFFPOOL-V2", "sage", "2020", "pyg2", (*DATASETS, "ZINC")),
)
