"""What every origin of data can do; one implementation a file."""

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
    """An origin of datasets: a module with these functions, which write only where they are told."""

    def unpack(self, spec: DatasetSpec, mirror: Path, into: Path) -> None:
        """Make the raw folder ``into`` (new, in a scratch folder) from a mirror with checked files."""

    def download(self, spec: DatasetSpec, into: Path) -> None:
        """Make the raw folder ``into`` (new, in a scratch folder) with the loader's download code."""

    def read(self, spec: DatasetSpec, folder: Path, scratch: Path) -> Packed:
        """Check the raw files, run the loader on them and pack what it gives."""


def get_source(spec: DatasetSpec) -> Source:
    """Return the source of a dataset: the module of that name in this folder."""
    return cast(Source, import_module(f"rethinkpool_core.datasets.sources.{spec.source}"))


def processed_in(loader: type, scratch: Path) -> Any:
    """The PyG or OGB dataset class with its processed files in ``scratch``.

    The packed store is this project's one cache. A second one, which the loaders would trust without looking
    at the raw files, would hide changes in them, and two processes packing the same set would write into each
    other's.
    """
    processed = str(scratch / "processed")
    return type(loader.__name__, (loader,), {"processed_dir": property(lambda self: processed)})


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the loaders' prints, progress bars and warnings about their own code off the terminal."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield
