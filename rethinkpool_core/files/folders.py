"""Where datasets are kept on this machine, and where the clone of the repository is."""

from __future__ import annotations

import os
from pathlib import Path

ENVIRONMENT_VARIABLE = "RETHINKPOOL_DATA"


def data_root(root: str | os.PathLike[str] | None = None) -> Path:
    """The data folder: ``root`` if given, else ``$RETHINKPOOL_DATA``, else the user's cache folder.

    The folder need not exist; whoever writes into it creates it.
    """
    from platformdirs import user_cache_path

    return chosen_folder(root, ENVIRONMENT_VARIABLE) or user_cache_path("rethinkpool", appauthor=False)


def clone_folder() -> Path | None:
    """The clone of the repository that this package lies in, else the current folder if it is one, else None."""
    for folder in (Path(__file__).resolve().parents[2], Path.cwd()):
        if (folder / "notebooks").is_dir() and (folder / "book").is_dir():
            return folder
    return None


def chosen_folder(given: str | os.PathLike[str] | None, variable: str) -> Path | None:
    """``given``, else what the environment variable says, if either says anything."""
    chosen = os.environ.get(variable) or None if given is None else given
    return None if chosen is None else Path(chosen).expanduser()
