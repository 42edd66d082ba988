"""Import of modules that register models of a user's own, named in the file of a grid or with ``--module``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib import import_module

from rethinkpool_core.errors import RethinkPoolError, UsageError
from rethinkpool_core.models.registry import find_model, forget_models, model_names


def import_models(modules: Iterable[str]) -> None:
    """Import modules by name, from Python's path or else from the current folder.

    Raises UsageError for one that cannot be imported, or that registers no model.
    """
    # A console script, unlike `python -m`, does not look in the current folder; workers of this machine inherit the path.
    if (here := os.getcwd()) not in sys.path:
        sys.path.append(here)
    for module in modules:
        _import(module)


def _import(module: str) -> None:
    before = model_names()
    try:
        import_module(module)
    except Exception as error:
        forget_models(name for name in model_names() if name not in before)
        if isinstance(error, RethinkPoolError):  # from `register_model`
            raise UsageError(f"the module {module!r} cannot register its models: {error}") from error
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise UsageError(
            f"the module {module!r} cannot be imported ({reason}): name one that is installed, on PYTHONPATH or in the current "
            "folder, as my_pooling for my_pooling.py"
        ) from error
    if before == model_names() and not any(_registered_by(module, name) for name in before):
        raise UsageError(
            f"the module {module!r} registers no model: call register_model in it, or leave it out"
        )


def _registered_by(module: str, model: str) -> bool:
    """Whether the module, or one inside it, registered the model in an earlier import."""
    return f"{find_model(model).module}.".startswith(f"{module}.")
