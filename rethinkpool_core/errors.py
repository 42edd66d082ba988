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
    """Root of all errors meant for users; ``exit_code`` is what the command line ends with."""

    exit_code = 1


class UsageError(RethinkPoolError):
    """What was asked for cannot be done as written: a wrong name, type, range or combination."""

    exit_code = 2


class UnknownNameError(UsageError):
    """A model, dataset, parameter, notebook or grid that does not exist."""

    def __init__(self, kind: str, name: str, known: Iterable[str], *, where: str = ""):
        known = list(known)
        by_folded = {k.casefold(): k for k in known}
        near = get_close_matches(str(name).casefold(), by_folded, n=1, cutoff=0.5)
        hint = f"did you mean {by_folded[near[0]]!r}? " if near else ""
        place = f" {where}" if where else ""
        super().__init__(f"there is no {kind} {name!r}{place}: {hint}known are {', '.join(known)}")
        self.nearest = by_folded[near[0]] if near else None


class DataError(RethinkPoolError):
    """A dataset's files are missing, damaged or not what they claim to be."""


class GraphTooLargeError(RethinkPoolError):
    """A graph has more nodes than the model was built for."""


class DeviceError(UsageError):
    """The device asked for is not on this machine."""


class CheckpointError(RethinkPoolError):
    """A checkpoint is damaged or belongs to another configuration."""


class StorageError(RethinkPoolError):
    """A file or folder could not be written or read."""


@contextmanager
def needs_extra(extra: str, what: str) -> Iterator[None]:
    """Say which extra of the package holds a module that is missing (raises RethinkPoolError)."""
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
