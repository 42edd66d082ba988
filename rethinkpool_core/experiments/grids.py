"""The named grids: their cells and seeds, and the table or figure that they reproduce."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rethinkpool_core.errors import UnknownNameError, UsageError
from rethinkpool_core.experiments.cell import MAX_EPOCHS, Cell
from rethinkpool_core.experiments.departures import DEPARTURES
from rethinkpool_core.paper import TABLES
from rethinkpool_core.paper.rows import table_rows

if TYPE_CHECKING:
    import pandas as pd

DATASETS = tuple(str(row["dataset"]) for row in table_rows("S1"))
SEEDS = 20  # unless a grid says otherwise


@dataclass(frozen=True)
class Grid:
    """Cells, each of which is trained with ``seeds``.

    keep_weights    whether the store keeps the weights of each run at its best epoch
    own_data        folders and zips of datasets that are imported to the data folder before the grid runs (`import_tu`)
    """

    name: str
    description: str
    cells: tuple[Cell, ...]
    seeds: tuple[int, ...] = tuple(range(1, SEEDS + 1))
    keep_weights: bool = False
    own_data: tuple[Path, ...] = ()

    @property
    def digests(self) -> list[str]:
        """`Cell.digest` of each cell."""
        return [cell.digest for cell in self.cells]

    def runs_in(self, runs: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of `load_results` that are runs of its cells, with any seed."""
        return runs[runs.cell.isin(self.digests)]

    def restricted(self, models: Sequence[str] = (), datasets: Sequence[str] = ()) -> Grid:
        """Return the grid with only the cells of these models and datasets; none given stands for all.

        Raises UnknownNameError for a model or dataset without a cell, UsageError where no cell has one of both.
        """
        for kind, wanted, known in (
            ("model", models, [cell.model for cell in self.cells]),
            ("dataset", datasets, [cell.dataset for cell in self.cells]),
        ):
            for name in wanted:
                if name not in known:
                    raise UnknownNameError(kind, name, dict.fromkeys(known), where=f"in the grid {self.name}")
        cells = tuple(
            cell
            for cell in self.cells
            if (not models or cell.model in models) and (not datasets or cell.dataset in datasets)
        )
        if not cells:
            raise UsageError(
                f"the grid {self.name} trains none of these models on any of these datasets: name others"
            )
        return replace(self, cells=cells)


def cells_of(
    models: Iterable[str],
    datasets: Iterable[str],
    parameters: dict[str, Sequence[Any]] | None = None,
    max_epochs: int = MAX_EPOCHS,
) -> tuple[Cell, ...]:
    """Return a cell for every model, dataset and combination of the parameters' values."""
    parameters = parameters or {}
    return tuple(
        Cell(model, dataset, dict(zip(parameters, values, strict=True)), max_epochs)
        for dataset in datasets
        for model in models
        for values in product(*parameters.values())
    )


def _released() -> tuple[Cell, ...]:
    """Return both ways of each departure of the release, on its datasets."""
    return tuple(
        one.cell(dataset, value)
        for one in DEPARTURES
        for dataset in one.datasets
        for value in (one.paper, one.release)
    )


_LONGER = 200
_AT_INITIAL_RATE = {"learning_rate_patience": _LONGER, "stop_patience": _LONGER}
"""With them neither a better score nor the lack of one changes the training."""


def _rings() -> tuple[Cell, ...]:
    """Rings of three radii, with one to four convolutions before the first pooling where a model lets us choose."""
    numbers = [1, 2, 3, 4]
    models: list[tuple[tuple[str, ...], dict[str, Sequence[Any]]]] = [
        (("NO-POOL",), {"num_layers": numbers}),
        (("GRACLUS", "COMPLEMENT", "MINCUTPOOL", "N-MINCUTPOOL"), {"initial_convolutions": numbers}),
        (("DIFFPOOL-V2", "N-DIFFPOOL-V2", "GMN", "RANDOM-GMN"), {}),
    ]
    datasets = ["RINGS-1", "RINGS-2", "RINGS-3"]
    return tuple(cell for names, parameters in models for cell in cells_of(names, datasets, parameters))


def _rings_explained() -> tuple[Cell, ...]:
    """N-DIFFPOOL-V2 with a first convolution that sees the node itself, MINCUTPOOL without its auxiliary losses, GRACLUS with
    one pooling layer, and COMPLEMENT trained for longer.
    """
    twin = cells_of(["N-DIFFPOOL-V2"], ["RINGS-1", "RINGS-2"], {"sum_input": [False, True]})
    alone = tuple(
        Cell("MINCUTPOOL", f"RINGS-{radius}", {"initial_convolutions": radius, "auxiliary_weight": 0.0})
        for radius in (1, 2)
    )
    once = cells_of(["GRACLUS"], ["RINGS-3"], {"initial_convolutions": [1, 2, 3], "num_layers": [2]})
    longer = Cell("COMPLEMENT", "RINGS-3", {"initial_convolutions": 3} | _AT_INITIAL_RATE, max_epochs=_LONGER)
    return twin + alone + once + (longer,)


def _reach() -> tuple[Cell, ...]:
    """The experiment on SMNIST with NO-POOL beside it, and the same on DIGITS, which is small."""
    datasets, numbers = ["DIGITS", "SMNIST"], [1, 2, 3]
    pair = cells_of(["MINCUTPOOL", "N-MINCUTPOOL"], datasets, {"initial_convolutions": numbers})
    return pair + cells_of(["NO-POOL"], datasets, {"num_layers": numbers})


def _smoothness() -> tuple[Cell, ...]:
    """MINCUTPOOL where its rows are equal, where they are not, and where untrained features are no guide to which."""
    convolutions = {
        "IMDB-B": [1],
        "DIGITS": [1],
        "RINGS-1": [2, 3],
        "RINGS-2": [3],
        "NCI1": [1],
        "PROTEINS": [1],
    }
    return tuple(
        Cell("MINCUTPOOL", dataset, {"initial_convolutions": number})
        for dataset, numbers in convolutions.items()
        for number in numbers
    )


def _smoothness_longer() -> tuple[Cell, ...]:
    """RINGS-1, trained for longer."""
    return (
        Cell("MINCUTPOOL", "RINGS-1", {"initial_convolutions": 2} | _AT_INITIAL_RATE, max_epochs=_LONGER),
    )


def _with_control(*models: str) -> tuple[Cell, ...]:
    return cells_of([*models, "NO-POOL"], DATASETS)


_GRIDS: dict[str, tuple[str, Callable[[], tuple[Cell, ...]]]] = {
    "table-s5": (
        "Table S5: MINCUTPOOL and the second DIFFPOOL, each beside its randomised twin",
        lambda: cells_of(TABLES["S5"].models, DATASETS),
    ),
    "main-graclus": (
        "GRACLUS and COMPLEMENT of the main text, with NO-POOL",
        lambda: _with_control("GRACLUS", "COMPLEMENT"),
    ),
    "main-diffpool": (
        "DIFFPOOL and its three randomised variants of the main text, with NO-POOL",
        lambda: _with_control("DIFFPOOL", "U-DIFFPOOL", "N-DIFFPOOL", "B-DIFFPOOL"),
    ),
    "main-gmn": (
        "GMN and its two variants of the main text, with NO-POOL",
        lambda: _with_control("GMN", "DISTANCE-GMN", "RANDOM-GMN"),
    ),
    "figure-s1": (
        "Figure S1: GMN's keys updated every second epoch, every fifth, and never",
        lambda: cells_of(["GMN"], ["ZINC", "IMDB-B"], {"purity_period": [2, 5, 0]}),
    ),
    "initial-convolutions": (
        "Appendix B: MINCUTPOOL on SMNIST with one to three convolutions before the first pooling",
        lambda: cells_of(["MINCUTPOOL", "N-MINCUTPOOL"], ["SMNIST"], {"initial_convolutions": [1, 2, 3]}),
    ),
    "embeddings": (
        "Figures S2-S13: the models whose activations they show",
        lambda: cells_of(
            ["GRACLUS", "COMPLEMENT", "GMN", "RANDOM-GMN", "DIFFPOOL", "N-DIFFPOOL"], ["NCI1", "MOLHIV"]
        ),
    ),
    "rings": ("When pooling matters: rings that only a large enough neighbourhood tells apart", _rings),
    "rings-explained": (
        "When pooling matters: why four models see less or more of a ring than was expected",
        _rings_explained,
    ),
    "reach": (
        "When pooling matters: whether the reach of the first convolutions explains SMNIST",
        _reach,
    ),
    "auxiliary-losses": (
        "Collapsed assignments: MINCUTPOOL trained by the supervised loss alone",
        lambda: cells_of(
            ["MINCUTPOOL"], ["IMDB-B", "DIGITS", "NCI1", "PROTEINS"], {"auxiliary_weight": [0.0]}
        ),
    ),
    "smoothness": (
        "Collapsed assignments: weights of MINCUTPOOL, to measure the features that its first assignment sees",
        _smoothness,
    ),
    "smoothness-longer": (
        "Collapsed assignments: whether equal rows on RINGS-1 are a matter of too few epochs",
        _smoothness_longer,
    ),
    "tf32": (
        "How fast: what matrix products in TF32 change on a GPU",
        lambda: cells_of(["MINCUTPOOL", "DIFFPOOL-V2"], ["NCI1"], {"tf32": [False, True]}),
    ),
    "released-code": ("what the 2020 release does differently from the paper", _released),
    "smoke": (
        "a few epochs of four models on the built-in digits, to check that everything works",
        lambda: cells_of(
            ["MINCUTPOOL", "N-MINCUTPOOL", "DIFFPOOL-V2", "N-DIFFPOOL-V2"],
            ["DIGITS"],
            {"batch_size": [64]},
            max_epochs=12,
        ),
    ),
}
# Activations are shown for one seed, and computed from its weights; smoothness is measured in three seeds.
_OPTIONS: dict[str, dict[str, Any]] = {
    "embeddings": {"seeds": (1,), "keep_weights": True},
    "smoothness": {"seeds": (1, 2, 3), "keep_weights": True},
    "smoothness-longer": {"seeds": (1, 2, 3, 4, 5)},
    "rings": {"seeds": tuple(range(1, 11))},
    "rings-explained": {"seeds": tuple(range(1, 11))},
}
GRIDS: dict[str, str] = {name: description for name, (description, _) in _GRIDS.items()}
"""The description of each named grid."""


def get_grid(name: str) -> Grid:
    """Return a named grid. Raises UnknownNameError."""
    if name not in _GRIDS:
        raise UnknownNameError("grid", name, [*GRIDS, "FILE.toml"])
    description, make_cells = _GRIDS[name]
    # One cell may be given twice: a parameter's default is the same cell as the parameter left out.
    cells = {cell.digest: cell for cell in make_cells()}
    return Grid(name, description, tuple(cells.values()), **_OPTIONS.get(name, {}))
