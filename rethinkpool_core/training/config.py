"""The protocol of Appendix A.2 as one set of parameters."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, get_type_hints

from rethinkpool_core.errors import UnknownNameError, UsageError
from rethinkpool_core.models.names import MODELS
from rethinkpool_core.paper import settings

# Part of every configuration's hash: a change of the protocol that changes results gets a new number.
PROTOCOL = 1


@dataclass(frozen=True)
class TrainingConfig:
    """Defaults are the paper's; batch_size is that of Tables S2-S4, or of the release for Appendix B.

    batch_size          graphs a step
    learning_rate       of Adam, at first
    learning_rate_factor, learning_rate_patience, least_learning_rate
                        the rate is multiplied by the factor after so many epochs without a better validation score,
                        down to the least
    stop_patience       epochs without a better validation score after which training stops
    clip_norm           largest norm of a gradient, 0 for no limit (the release: 2 for DIFFPOOL and MINCUTPOOL)
    eval_batch_size     graphs at once in evaluation, 0 to fit the dataset; no effect on results
    replicas            seeds trained at once, 0 for all of them on a GPU and as many as pay on a CPU; no effect on results
                        but for rounding
    checkpoint_every    epochs from one checkpoint to the next; no effect on results
    cuda_graphs         whether a GPU replays recorded steps, see `training.captured`; no effect on results but for rounding
    tf32                whether matrix products on a GPU may round their factors to 10 bits, which is faster
    """

    batch_size: int
    learning_rate: float = 1e-3
    learning_rate_factor: float = 0.5
    learning_rate_patience: int = 10
    least_learning_rate: float = 1e-5
    stop_patience: int = 50
    clip_norm: float = 0.0
    eval_batch_size: int = 0
    replicas: int = 0
    checkpoint_every: int = 1
    cuda_graphs: bool = True
    tf32: bool = False


WITHOUT_EFFECT = ("eval_batch_size", "replicas", "checkpoint_every", "cuda_graphs")


def run_config(model: Any, training: TrainingConfig, max_epochs: int) -> dict[str, Any]:
    """All that determines a run but its model's name, its data and its seed, as plain values; ``model`` is its configuration."""
    from rethinkpool_core.models.build import describe

    return {
        "protocol": PROTOCOL,
        "model": describe(model),
        "training": {key: value for key, value in asdict(training).items() if key not in WITHOUT_EFFECT},
        "max_epochs": max_epochs,
    }


def training_fields() -> dict[str, type]:
    """The parameters of training that a user may set, with their types."""
    hints = get_type_hints(TrainingConfig)
    return {field.name: hints[field.name] for field in fields(TrainingConfig)}


def training_config(model: str, dataset: str, **overrides: Any) -> TrainingConfig:
    """The protocol for a model on a dataset.

    Raises UnknownNameError for an unknown parameter, UsageError for a value of the wrong type or out of range.
    """
    clips = model in MODELS and ("DIFFPOOL" in model or "MINCUTPOOL" in model)
    config = TrainingConfig(settings(model, dataset)["batch_size"], clip_norm=2.0 if clips else 0.0)
    known = training_fields()
    for key, value in overrides.items():
        if key not in known:
            raise UnknownNameError("parameter", key, known, where="of training")
        overrides[key] = _checked(key, value, known[key])
    config = replace(config, **overrides)
    if config.least_learning_rate > config.learning_rate:
        raise UsageError(
            f"least_learning_rate is {config.least_learning_rate:g}, above learning_rate {config.learning_rate:g}: give less"
        )
    return config


_ZERO_ALLOWED = {"clip_norm", "eval_batch_size", "replicas", "least_learning_rate"}


def _checked(key: str, value: Any, kind: type) -> Any:
    if kind is bool:
        from rethinkpool_core.models.build import checked_switch

        return checked_switch(f"parameter {key!r} of training", key, value)
    wanted = "a whole number" if kind is int else "a number"
    if isinstance(value, bool) or not isinstance(value, (int, float) if kind is float else int):
        raise UsageError(
            f"parameter {key!r} of training takes {wanted}, not {value!r}: give one, as in {key}={16 if kind is int else 0.5}"
        )
    most = 1 if key == "learning_rate_factor" else 2**31 if kind is int else sys.float_info.max
    if not (0 <= value < most) or (value == 0 and key not in _ZERO_ALLOWED):
        least = "of at least 0" if key in _ZERO_ALLOWED else "above 0"
        bound = "between 0 and 1" if most == 1 else f"{least} and below {most}" if kind is int else least
        raise UsageError(f"parameter {key!r} of training cannot be {value!r}: give {wanted} {bound}")
    return kind(value)
