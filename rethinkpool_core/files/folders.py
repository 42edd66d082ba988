"""The data folder of this machine, and the clone of the repository."""

from __future__ import annotations

import os
from pathlib import Path

from rethinkpool_core.errors import UsageError

ENVIRONMENT_VARIABLE = "RETHINKPOOL_DATA"


def data_root(root: str | os.PathLike[str] | None = None) -> Path:
    """Return the data folder: ``root`` if given, else ``$RETHINKPOOL_DATA``, else the user's cache folder.

    It need not exist; it is made when something is written to it.
    """
    from platformdirs import user_cache_path

    return chosen_folder(root, ENVIRONMENT_VARIABLE) or user_cache_path("rethinkpool", appauthor=False)


def clone_folder() -> Path | None:
    """Return the clone of the repository that holds this package, else the current folder if it is one, else None."""
    for folder in (Path(__file__).resolve().parents[2], Path.cwd()):
        if (folder / "notebooks").is_dir() and (folder / "book").is_dir():
            return folder
    return None


def chosen_folder(given: str | os.PathLike[str] | None, variable: str) -> Path | None:
    """Return ``given``, else the value of the environment variable, else None."""
    chosen = os.environ.get(variable) or None if given is None else given
    return None if chosen is None else expand_home(chosen)


def expand_home(path: str | os.PathLike[str]) -> Path:
    """Return ``path`` with the folder of the user in the place of ``~`` (raises UsageError if there is no such user)."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise UsageError(f"{path} starts with the home folder of no user here: give the whole path") from None
