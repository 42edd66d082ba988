"""Grids of a user's own, read from TOML files:

modules = ["my_pooling"]         # Python modules that register models of your own; default none
seeds = 10                       # their number or a list of them; default 20
[[cells]]                        # may be repeated: every model on every dataset, with every combination of values
models = ["MINCUTPOOL", "N-MINCUTPOOL"]
datasets = ["PROTEINS", "TU:MUTAG", "graphs/MINE.zip"]  # a folder or zip in TU layout, from the folder of this file
max_epochs = 200                 # default 1000
[cells.parameters]               # as `rethinkpool train --set` takes them
hidden_dim = [32, 64]            # a list gives several values; num_keys = [[10, 1], [30, 1]] gives two
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from rethinkpool_core.datasets.tu_import import is_path, name_in
from rethinkpool_core.errors import RethinkPoolError, StorageError, UnknownNameError, UsageError
from rethinkpool_core.experiments.cell import MAX_EPOCHS
from rethinkpool_core.experiments.grids import SEEDS, Grid, cells_of
from rethinkpool_core.files.folders import expand_home
from rethinkpool_core.models.modules import import_models
from rethinkpool_core.training.seeds import check_seeds

_KEYS = ("modules", "seeds", "cells")
_CELLS_KEYS = ("models", "datasets", "max_epochs", "parameters")


def read_grid(path: Path) -> Grid:
    """Read a grid from a file.

    Raises StorageError for a file that cannot be read, UsageError, which names the line, for one that is no grid.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
        raise StorageError(
            f"cannot read the grid {path} ({reason}): name a TOML file, or a grid by its name"
        ) from None
    return _Reader(path, text).grid()


class _Reader:
    """One file while it is read."""

    start = 0  # line from which `error` searches

    def __init__(self, path: Path, text: str):
        self.path, self.lines = path, text.splitlines()
        try:
            self.content = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"{path} is not valid TOML ({error}): correct that line") from None

    def grid(self) -> Grid:
        self.known_keys(self.content, _KEYS, "the grid")
        self.import_modules()
        parts = self.content.get("cells")
        if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
            raise self.error(
                "cells", "there are no cells: give at least one [[cells]] with models and datasets"
            )
        cells, self.own_data = {}, {}
        for number, part in enumerate(parts):
            for cell in self.cells(part, number):
                cells.setdefault(cell.digest, cell)
        self.start = 0
        try:
            seeds = check_seeds(self.content.get("seeds", SEEDS))
        except UsageError as error:
            raise self.error("seeds", str(error)) from None
        return Grid(
            self.path.stem,
            f"the file {self.path.name}",
            tuple(cells.values()),
            tuple(seeds),
            own_data=tuple(self.own_data),
        )

    def import_modules(self) -> None:
        modules = self.content.get("modules", [])
        modules = [modules] if isinstance(modules, str) else modules
        if not isinstance(modules, list) or not all(isinstance(module, str) for module in modules):
            raise self.error("modules", 'modules must be a list of names, as in modules = ["my_pooling"]')
        try:
            import_models(modules)
        except UsageError as error:
            raise self.error("modules", str(error)) from None

    def cells(self, part: dict[str, Any], number: int):
        after = [i for i, line in enumerate(self.lines) if re.match(r"\s*\[\[\s*cells\s*\]\]", line)]
        self.start = after[number] if number < len(after) else 0
        self.known_keys(part, _CELLS_KEYS, "[[cells]]")
        names = {}
        for key in ("models", "datasets"):
            names[key] = part.get(key)
            if isinstance(names[key], str):
                names[key] = [names[key]]
            if not isinstance(names[key], list) or not names[key]:
                raise self.error(key, f"{key} must be a list of at least one name")
        names["datasets"] = [self.dataset(name) for name in names["datasets"]]
        parameters = part.get("parameters", {})
        if not isinstance(parameters, dict):
            raise self.error("parameters", "parameters must be a table, as [cells.parameters]")
        values = {key: value if isinstance(value, list) else [value] for key, value in parameters.items()}
        for key, given in values.items():
            if not given:
                raise self.error(key, f"{key} has no value: give at least one, or remove it")
        epochs = part.get("max_epochs", MAX_EPOCHS)
        try:
            return cells_of(names["models"], names["datasets"], values, epochs)
        except UsageError as error:
            raise self.error(_quoted(str(error)), str(error)) from None

    def dataset(self, name: Any) -> Any:
        """The name of a dataset; of a path, the name that the set in it will have."""
        if not isinstance(name, str) or not is_path(name):
            return name
        path = self.path.parent / expand_home(name)
        self.own_data[path] = None  # in the order of the file, each once
        try:
            return name_in(path)
        except RethinkPoolError as error:
            raise self.error("datasets", str(error)) from None

    def known_keys(self, table: dict[str, Any], known: tuple[str, ...], where: str) -> None:
        for key in table:
            if key not in known:
                raise self.error(key, str(UnknownNameError("key", key, known, where=f"in {where}")))

    def error(self, word: str, sentence: str) -> UsageError:
        """An error that names the line of ``word``."""
        pattern = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])")
        found = (i for i in range(self.start, len(self.lines)) if pattern.search(self.lines[i]))
        line = next(found, self.start if self.lines else None)
        place = f"line {line + 1} of {self.path}" if line is not None else f"{self.path}, which is empty"
        return UsageError(f"{place}: {sentence}")


def _quoted(sentence: str) -> str:
    """The first word that an error quotes, which is what was wrong; "cells" if it quotes none."""
    found = re.search(r"'([^']+)'", sentence)
    return found[1] if found else "cells"
