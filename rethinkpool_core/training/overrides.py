"""Parameters given by name, parted into those of a model and those of its training."""

from __future__ import annotations

from typing import Any

from rethinkpool_core.errors import UnknownNameError
from rethinkpool_core.models.build import config_fields
from rethinkpool_core.training.config import training_fields


def split_overrides(model: str, overrides: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What `build_model` takes, and what `train` takes; values are not checked.

    Raises UnknownNameError for an unknown model, or for a parameter that is neither, with the nearest of both.
    """
    of_model, of_training = config_fields(model), training_fields()
    for key in overrides:
        if key not in of_model and key not in of_training:
            known = [*of_model, *of_training]
            raise UnknownNameError("parameter", key, known, where=f"of {model} or of its training")
    return (
        {key: value for key, value in overrides.items() if key in of_model},
        {key: value for key, value in overrides.items() if key in of_training},
    )
