"""The exceptions a user sees: each message is one sentence saying what was wrong, where, and what to do.

They are raised ``from None``: the traceback of the loader, the network library or the parser that failed first is no news to a
user. Python keeps it in ``__context__``, and ``--debug`` prints it (`print_with_causes`).
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches


class RethinkPoolError(Exception):
    """Base class of all errors meant for users; ``exit_code`` is the exit code of the command line."""

    exit_code = 1


class UsageError(RethinkPoolError):
    """An argument is wrong: its name, type, range, or a combination of several."""

    exit_code = 2


class UnknownNameError(UsageError):
    """There is no model, dataset, parameter, notebook or grid of that name.

    kind     what the name is one of, e.g. "model"
    name     the name that was given
    known    names that exist; the nearest one is suggested (``nearest``)
    where    the place where it was looked for, e.g. "of training"
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], *, where: str = ""):
        known = list(known)
        by_folded = {k.casefold(): k for k in known}
        near = get_close_matches(str(name).casefold(), by_folded, n=1, cutoff=0.5)
        hint = f"did you mean {by_folded[near[0]]!r}? " if near else ""
        where = f" {where}" if where else ""
        super().__init__(f"there is no {kind} {name!r}{where}: {hint}known are {', '.join(known)}")
        self.nearest = by_folded[near[0]] if near else None


class DataError(RethinkPoolError):
    """The files of a dataset are missing, damaged or those of another dataset."""


class GraphTooLargeError(RethinkPoolError):
    """A graph has more nodes than the model was built for."""


class DeviceError(UsageError):
    """The requested device is not on this machine."""


class CheckpointError(RethinkPoolError):
    """A checkpoint is damaged or belongs to another configuration."""


class StorageError(RethinkPoolError):
    """A file or folder could not be written or read."""


@contextmanager
def needs_extra(extra: str, what: str) -> Iterator[None]:
    """Turn the failed import of a module into a sentence that names the extra to install (RethinkPoolError).

    extra  of the package, e.g. "experiments"
    what   needs the module, e.g. "a grid"
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("rethinkpool_core"):
            raise
        raise RethinkPoolError(
            f"{what} needs {error.name}, which is not installed: pip install 'rethinkpool[{extra}]'"
        ) from None


def print_with_causes(error: BaseException) -> None:
    """Print the traceback of ``error`` to stderr with those of all errors that led to it, also where ``from None`` hides them."""
    one: BaseException | None = error
    while one is not None:
        one.__suppress_context__ = one.__cause__ is not None
        one = one.__cause__ or one.__context__
    traceback.print_exception(error)
