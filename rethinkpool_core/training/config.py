"""The training protocol of Appendix A.2 as one set of parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from rethinkpool_core.datasets.spec import DatasetSpec, get_spec
from rethinkpool_core.errors import UnknownNameError, UsageError
from rethinkpool_core.models.registry import RegisteredModel, find_model
from rethinkpool_core.parameters.check import check_values, field_types, plain_types
from rethinkpool_core.parameters.recorded import recorded_values
from rethinkpool_core.parameters.types import (
    NO_EFFECT_ON_RESULTS,
    RECORDED_IF_CHANGED,
    Bounds,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
)

# Part of every run's key: a change of the protocol that changes results gets a new number.
PROTOCOL = 1


@dataclass(frozen=True)
class TrainingConfig:
    """The parameters of training. Defaults are the paper's, where a model's settings do not say otherwise.

    batch_size          graphs per step (Tables S2-S4 or, for Appendix B, the release have one for each model and dataset)
    learning_rate       initial learning rate of Adam
    learning_rate_factor
                        by which the learning rate is multiplied when the validation score stops improving
    learning_rate_patience
                        epochs without a better validation score after which that happens
    least_learning_rate
                        below which the learning rate does not fall
    stop_patience       epochs without a better validation score after which training stops
    clip_norm           largest norm of the gradient, 0 for no limit (the release: 2 for DIFFPOOL and MINCUTPOOL)
    auxiliary_weight    factor of the auxiliary losses, cut and orthogonality or link and entropy, where training minimises them
                        together with the supervised loss; curves show them without it. No effect on models without such losses
    eval_batch_size     graphs per batch in evaluation, 0 to fit the dataset; no effect on results
    replicas            seeds trained side by side, 0 for all of them on a GPU and as many as are worthwhile on a CPU;
                        no effect on results beyond rounding
    checkpoint_every    epochs between checkpoints; no effect on results
    cuda_graphs         whether a CUDA GPU records training steps as CUDA graphs and replays them (`training.cuda_graphs`);
                        no effect on results beyond rounding
    tf32                whether matrix products on a GPU may round their factors to a mantissa of 10 bits, which is faster
    """

    batch_size: PositiveInt = 32
    learning_rate: PositiveFloat = 1e-3
    learning_rate_factor: Annotated[float, Bounds(above=0, below=1)] = 0.5
    learning_rate_patience: PositiveInt = 10
    least_learning_rate: NonNegativeFloat = 1e-5
    stop_patience: PositiveInt = 50
    clip_norm: NonNegativeFloat = 0.0
    auxiliary_weight: Annotated[NonNegativeFloat, RECORDED_IF_CHANGED] = 1.0
    eval_batch_size: Annotated[NonNegativeInt, NO_EFFECT_ON_RESULTS] = 0
    replicas: Annotated[NonNegativeInt, NO_EFFECT_ON_RESULTS] = 0
    checkpoint_every: Annotated[PositiveInt, NO_EFFECT_ON_RESULTS] = 1
    cuda_graphs: Annotated[bool, NO_EFFECT_ON_RESULTS] = True
    tf32: bool = False


def run_config(model: Any, training: TrainingConfig, max_epochs: int) -> dict[str, Any]:
    """Everything that determines a run except its model's name, its data and its seed, as plain values.

    model    the model's configuration
    """
    return {
        "protocol": PROTOCOL,
        "model": recorded_values(model),
        "training": recorded_values(training),
        "max_epochs": max_epochs,
    }


def training_fields() -> dict[str, type]:
    """The parameters of training that a user may set, with their types."""
    return dict(plain_types(TrainingConfig))


def training_config(model: str, dataset: str | DatasetSpec, **overrides: Any) -> TrainingConfig:
    """The protocol for a model on a dataset, given by its name or its spec, with ``overrides``.

    Raises UnknownNameError for an unknown parameter, UsageError for a value of the wrong type or out of bounds.
    """
    given = check_values(overrides, field_types(TrainingConfig), "training")
    spec = get_spec(dataset) if isinstance(dataset, str) else dataset
    config = TrainingConfig(**_from_settings(find_model(model), spec) | given)
    if config.least_learning_rate > config.learning_rate:
        raise UsageError(
            f"least_learning_rate is {config.least_learning_rate:g}, above learning_rate {config.learning_rate:g}: give less"
        )
    return config


def _from_settings(model: RegisteredModel, dataset: DatasetSpec) -> dict[str, Any]:
    """The settings of a model that are parameters of training; a setting that is one of neither is refused."""
    of_training, of_model = field_types(TrainingConfig), model.configurable
    settings = model.defaults(dataset)
    for key in settings:
        if key not in of_training and key not in of_model:
            known = [*of_model, *of_training]
            raise UnknownNameError(
                "parameter", key, known, where=f"of {model.name} or of its training, as its settings have it"
            )
    found = {key: value for key, value in settings.items() if key in of_training}
    return check_values(found, of_training, f"training (from the settings of {model.name})")
