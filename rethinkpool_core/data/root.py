"""Where datasets live on this machine."""

from __future__ import annotations

import os
from pathlib import Path

ENVIRONMENT_VARIABLE = "RETHINKPOOL_DATA"


def data_root(root: str | os.PathLike[str] | None = None) -> Path:
    """The data folder: ``root`` if given, else ``$RETHINKPOOL_DATA``, else the user's cache folder.

    The folder need not exist; whoever writes into it creates it.
    """
    if root is not None:
        return Path(root).expanduser()
    from_environment = os.environ.get(ENVIRONMENT_VARIABLE)
    if from_environment:
        return Path(from_environment).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("rethinkpool", appauthor=False)
