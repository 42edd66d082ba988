"""Training one model for one or many seeds. Everything here imports torch, so it is loaded when asked for."""

from __future__ import annotations

from importlib import import_module

_HOME = {
    "EpochReport": "report",
    "RunRecord": "record",
    "SeedScores": "report",
    "TrainingConfig": "config",
    "check_seeds": "seeds",
    "resolve_device": "device",
    "train": "trainer",
    "training_config": "config",
    "training_fields": "config",
}
__all__ = list(_HOME)


def __getattr__(name: str):
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
