"""The models of the appendix. `names` is light; everything else imports torch, so it is loaded when asked for."""

from __future__ import annotations

from importlib import import_module

__all__ = ["PoolingModel", "build_model", "config_fields"]

_HOME = {"PoolingModel": "base", "build_model": "build", "config_fields": "build"}


def __getattr__(name: str):
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
