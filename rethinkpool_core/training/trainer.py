"""`train`: the protocol of Appendix A.2, for one seed or for many side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rethinkpool_core.datasets.dataset import GraphDataset
from rethinkpool_core.errors import DataError, GraphTooLargeError, UsageError
from rethinkpool_core.files.folders import expand_home
from rethinkpool_core.models.base import PoolingModel, Shape
from rethinkpool_core.models.build import build_model, config_fields
from rethinkpool_core.parameters.check import check_value
from rethinkpool_core.parameters.types import PositiveInt
from rethinkpool_core.training.config import TrainingConfig, training_config, training_fields
from rethinkpool_core.training.device import matmul_precision, resolve_device
from rethinkpool_core.training.interrupt import stop_requests
from rethinkpool_core.training.memory import configure_malloc
from rethinkpool_core.training.overrides import split_overrides
from rethinkpool_core.training.progress import RemainingTime, show_progress
from rethinkpool_core.training.record import RunRecord
from rethinkpool_core.training.report import OnEpoch
from rethinkpool_core.training.run import TrainingRun
from rethinkpool_core.training.seeds import check_seeds
from rethinkpool_core.training.setup import TrainingSetup


def train(
    model: str | PoolingModel,
    dataset: GraphDataset,
    seeds: int | list[int],
    *,
    max_epochs: int = 1000,
    device: str = "auto",
    checkpoint_dir: str | Path | None = None,
    progress: bool = True,
    on_epoch: OnEpoch | None = None,
    **overrides: Any,
) -> list[RunRecord]:
    """Train a fresh replica of ``model`` for each seed and return one record per seed, in the order of the seeds.

    A seed decides the weights, the random assignments, the order of the batches and, on TU sets, DIGITS and RINGS, the split.
    ``RunRecord.weights`` holds the best epoch's weights. Beside other seeds a seed sees the same batches, weights and draws as
    alone; what differs is how float32 sums round, which training amplifies.

    model           the name of a model, or a model that `build_model` returned, which is left as it is
    seeds           a list of seeds, or a number n for the seeds 1 to n
    device          auto, cpu, cuda, cuda:i or mps
    checkpoint_dir  folder with one file for the seeds that train side by side; a repeated call resumes from it (on a CPU and for
                    the same seeds to the last bit) and does not train finished seeds again
    progress        whether to show the progress on standard error
    on_epoch        function called with an `EpochReport` after each epoch of the seeds that train side by side. If it returns
                    False, training of all seeds stops: a checkpoint is saved if there is a folder for it, and the records of
                    unfinished seeds, also of those that had not begun, have ``stopped`` set. An exception that it raises
                    leaves `train` after a checkpoint is saved. A repeated call with the same folder resumes.
    overrides       fields of `TrainingConfig` and, where ``model`` is a name, parameters of the model (`config_fields`)

    Raises UnknownNameError or UsageError for wrong parameters, DataError for a split that is empty or cannot be scored,
    DeviceError, CheckpointError for a checkpoint of another configuration, StorageError; KeyboardInterrupt on Ctrl-C, after a
    checkpoint is saved. A replica whose loss is not finite ends with ``error`` in its record, and the others continue.
    """
    seeds = check_seeds(seeds)
    check_value("max_epochs", max_epochs, PositiveInt)
    if on_epoch is not None and not callable(on_epoch):
        raise UsageError(f"on_epoch is {on_epoch!r}: give a function that takes an EpochReport, or None")
    shape = Shape.of(dataset)
    model, config = _model_and_config(model, dataset, overrides)
    _check_fit(model, dataset, shape)
    setup = TrainingSetup(model, dataset, config, resolve_device(device))
    folder = None if checkpoint_dir is None else expand_home(checkpoint_dir)
    run = TrainingRun(setup, max_epochs, folder, on_epoch)
    configure_malloc()
    with stop_requests() as stop_requested, matmul_precision(config.tf32):
        finished, groups = run.find_groups(seeds)
        records = {seed: run.record(seed, state) for seed, state in finished.items()}
        for number, group in enumerate(groups):
            if run.stopped:
                records |= run.unfinished_records(run.initial_states(group))
                continue
            title = f"{model.name} on {dataset.name}, {_named(group.seeds, len(seeds))}"
            remaining = RemainingTime(max_epochs, [run.epochs_left(later) for later in groups[number + 1 :]])
            with show_progress(title, dataset.spec.metric, remaining, progress) as show:
                records |= run.train(group, show, stop_requested)
    return [records[seed] for seed in seeds]


def _named(seeds: list[int], total: int) -> str:
    """Name the seeds that train side by side, among ``total`` seeds of a call."""
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    return f"{total} seeds" if len(seeds) == total else f"{len(seeds)} of {total} seeds"


def _model_and_config(
    model: str | PoolingModel, dataset: GraphDataset, overrides: dict[str, Any]
) -> tuple[PoolingModel, TrainingConfig]:
    """Return the model, built if it is given by name, and the configuration of its training."""
    if isinstance(model, str):
        of_model, of_training = split_overrides(model, overrides)
        return build_model(model, dataset, **of_model), training_config(model, dataset.spec, **of_training)
    if not isinstance(model, PoolingModel) or not hasattr(model, "name"):
        raise UsageError(
            f"model is of type {type(model).__name__}: give a model's name, or what build_model returned"
        )
    for key in overrides:
        if key in config_fields(model.name) and key not in training_fields():
            raise UsageError(
                f"{key!r} is a parameter of the model {model.name}, which is built already: give it to build_model, "
                f"or give train the name {model.name!r}"
            )
    return model, training_config(model.name, dataset.spec, **overrides)


def _check_fit(model: PoolingModel, dataset: GraphDataset, shape: Shape) -> None:
    """Check that the model was built for graphs like these, and that every part of the split can be scored.

    Raises DataError, UsageError or GraphTooLargeError.
    """
    for part in ("train", "val", "test"):
        index = getattr(dataset, part)
        if not len(index):
            raise DataError(
                f"{dataset.name} has no graph in its {part} split: use a larger dataset or another split"
            )
        scored = dataset.spec.metric == "rocauc" and part != "train"
        if scored and len(dataset.store.y[index].unique()) == 1:
            raise DataError(
                f"{dataset.name} has graphs of only one class in its {part} split, which ROC-AUC cannot score: "
                "use a larger dataset, another split, or accuracy"
            )
    if (shape.in_dim, shape.out_dim, shape.molecules) != (
        model.shape.in_dim,
        model.shape.out_dim,
        model.shape.molecules,
    ):
        raise UsageError(
            f"{model.name} was built for other features or classes than those of {dataset.name}: build it from this dataset"
        )
    if model.has_max_nodes and shape.max_nodes > model.shape.max_nodes:
        raise GraphTooLargeError(
            f"{dataset.name} has a graph of {shape.max_nodes} nodes and {model.name} was built for at most "
            f"{model.shape.max_nodes}: build it from this dataset"
        )
