"""The interface of a source, and what the loaders of PyG and OGB have in common."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from rethinkpool_core.datasets.spec import DatasetSpec

if TYPE_CHECKING:
    from rethinkpool_core.datasets.storage.packed import Packed


class Source(Protocol):
    """A source of datasets: a module with these functions, which write only to the folders they are given."""

    def unpack(self, spec: DatasetSpec, mirror: Path, into: Path) -> None:
        """Make the raw folder ``into`` from a mirror whose files have been checked."""

    def download(self, spec: DatasetSpec, into: Path) -> None:
        """Make the raw folder ``into`` with the loader's download code."""

    def read(self, spec: DatasetSpec, folder: Path, scratch: Path) -> Packed:
        """Check the raw files in ``folder``, run the loader on them and pack the result; ``scratch`` is for its own files."""


def get_source(spec: DatasetSpec) -> Source:
    """Return the source of a dataset: the module of that name in this folder."""
    return cast(Source, import_module(f"rethinkpool_core.datasets.sources.{spec.source}"))


def processed_in(loader: type, scratch: Path) -> Any:
    """Return the PyG or OGB dataset class with its processed files in ``scratch``.

    The packed store is the only cache of this project. The loaders would trust a second one without looking at the raw
    files, which would hide changes in them, and two processes that pack the same set would overwrite each other's.
    """
    processed = str(scratch / "processed")
    return type(loader.__name__, (loader,), {"processed_dir": property(lambda self: processed)})


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hide the loaders' prints, progress bars and warnings about their own code."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield
