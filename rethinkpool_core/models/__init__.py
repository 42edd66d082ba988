"""The models of the appendix. `names` and `registry` import no torch; the others do, and are imported on first use."""

from __future__ import annotations

from importlib import import_module

_HOME = {
    "PoolingModel": "base",
    "build_model": "build",
    "config_fields": "build",
    "register_model": "registry",
}
__all__ = list(_HOME)


def __getattr__(name: str):
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
