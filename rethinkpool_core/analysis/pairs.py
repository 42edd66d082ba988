"""Which models are compared: a method with its twins, whose pooling is random or reversed, and with the control."""

from __future__ import annotations

from collections.abc import Iterable

from rethinkpool_core.datasets.spec import get_spec
from rethinkpool_core.errors import UnknownNameError
from rethinkpool_core.models.registry import methods_and_twins

CONTROL = "NO-POOL"


def same_split(dataset: str) -> bool:
    """Whether each seed draws a split, so that the same seed of two models means the same one.

    False for a dataset that is known by name alone (`GraphDataset.from_pyg`), whose records do not tell.
    """
    try:
        return get_spec(dataset).seed_draws_split
    except UnknownNameError:
        return False


def pairs_among(models: Iterable[str]) -> list[tuple[str, str]]:
    """(method, twin) for every twin among ``models``, then (method, control) if the control is among them.

    Methods and twins are those that are registered (`register_model`); other models are in no pair.
    """
    models = set(models)
    methods = {method: twins for method, twins in methods_and_twins().items() if method != CONTROL}
    with_twins = [
        (method, twin) for method, twins in methods.items() for twin in twins if {method, twin} <= models
    ]
    return with_twins + [(method, CONTROL) for method in methods if {method, CONTROL} <= models]
