"""Trained models of a grid, from the weights that a store has kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rethinkpool_core.errors import DataError

if TYPE_CHECKING:
    from rethinkpool_core.datasets.dataset import GraphDataset
    from rethinkpool_core.experiments.cell import Cell
    from rethinkpool_core.experiments.grids import Grid
    from rethinkpool_core.experiments.store import ResultStore
    from rethinkpool_core.models.base import PoolingModel
    from rethinkpool_core.training.record import RunRecord


@dataclass(frozen=True)
class StoredModel:
    """A model at its best validation epoch, its record, and its dataset with the split of its seed."""

    cell: Cell
    record: RunRecord
    dataset: GraphDataset
    model: PoolingModel


def stored_models(store: ResultStore, grid: Grid, root: str | None = None) -> Iterator[StoredModel]:
    """Yield the model of each run of ``grid`` whose weights are in the store, in the order of the grid.

    Raises DataError where there is none, and where weights are damaged, without a record, or those of another model.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from rethinkpool_core import build_model, load_dataset

    kept = store.keys_with_weights()
    if not any(cell.key(seed) in kept for cell in grid.cells for seed in grid.seeds):
        raise DataError(
            f"no weights of {grid.name} are in {store.folder}: run `rethinkpool grid {grid.name}` first"
        )
    for cell in grid.cells:
        for seed in grid.seeds:
            key = cell.key(seed)
            if key not in kept:
                continue
            record = next(store.records([key]), None)
            if record is None:
                raise DataError(
                    f"there are weights of {cell}, seed {seed}, but no record of it: run the grid again"
                )
            dataset = load_dataset(cell.dataset, root, split_seed=seed)
            model = build_model(cell.model, dataset, **cell.split_parameters[0])
            try:
                model.load_state_dict(load_file(store.weights_path(key)))
            except (OSError, SafetensorError, RuntimeError) as error:
                raise DataError(
                    f"the weights of {cell}, seed {seed}, cannot be used ({' '.join(str(error).split())[:120]}): "
                    f"delete {store.weights_path(key)} and run the grid again"
                ) from None
            yield StoredModel(cell, record, dataset, model.eval())
