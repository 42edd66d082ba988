"""Run the notebooks of the repository with papermill; their source files are never changed."""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Mapping
from pathlib import Path

from rethinkpool_core.errors import RethinkPoolError, StorageError, UnknownNameError, UsageError
from rethinkpool_core.files.folders import clone_folder
from rethinkpool_core.site.notebook_progress import show_cells

PROFILES = ("quick", "full", "tiny")
"""quick: built-in data and committed results, minutes; full: the paper's datasets and protocol; tiny: seconds, for the tests."""

START_TIMEOUT = 120  # seconds until the kernel answers, on a slow disk
CELL_TIMEOUT = 24 * 3600  # seconds per cell: a full experiment is one cell

QUIET_KERNEL = [
    "--IPKernelApp.log_level=CRITICAL",
    "--IPKernelApp.exec_lines=__import__('logging').getLogger('tornado').setLevel('CRITICAL')",
]
"""Arguments of the kernel: no traceback of its own after Ctrl-C, nor, from its event loop, where a socket closes as it ends."""


class NotebookError(RethinkPoolError):
    """A cell of a notebook failed or took too long."""


def project_folder() -> Path:
    """The clone with ``notebooks/`` and ``book/`` (`clone_folder`).

    Raises UsageError where there is none: the installed package alone has no notebooks.
    """
    folder = clone_folder()
    if folder is None:
        raise UsageError("the notebooks and the book are not here: run this inside a clone of the repository")
    return folder


def notebook_names() -> list[str]:
    """Names of the notebooks, in alphabetical order."""
    return sorted(path.stem for path in (project_folder() / "notebooks").glob("*.ipynb"))


def profile_parameters(profile: str) -> dict[str, dict[str, object]]:
    """Return the parameters of each notebook in a profile that differ from its defaults.

    They stand in the metadata of the notebook, as ``{"rethinkpool": {"profiles": {"full": {"seeds": 20}}}}``. A notebook that
    does not mention the profile runs with its defaults.

    Raises UnknownNameError for an unknown profile.
    """
    if profile not in PROFILES:
        raise UnknownNameError("profile", profile, PROFILES)
    found = {}
    for name in notebook_names():
        metadata = json.loads(_source(name).read_text(encoding="utf-8"))["metadata"]
        found[name] = metadata.get("rethinkpool", {}).get("profiles", {}).get(profile, {})
    return found


def notebook_parameters(name: str) -> dict[str, object]:
    """Parameters of a notebook and their defaults, from its cell tagged ``parameters``.

    Raises UnknownNameError for an unknown notebook.
    """
    import papermill

    described = papermill.inspect_notebook(str(_source(name)))
    return {parameter: ast.literal_eval(entry["default"]) for parameter, entry in described.items()}


def check_parameters(name: str, given: Mapping[str, object]) -> dict[str, object]:
    """Return the ``given`` parameters with each value in the type of the parameter's default.

    String parameters take any value as text, float parameters also whole numbers.

    Raises UnknownNameError for a parameter that the notebook does not have and UsageError for a value of a wrong type.
    """
    defaults = notebook_parameters(name)
    checked: dict[str, object] = {}
    for key, value in given.items():
        if key not in defaults:
            raise UnknownNameError("parameter", key, defaults, where=f"in notebook {name}")
        kind = type(defaults[key])
        if kind is float and type(value) is int:
            value = float(value)
        if kind is str and not isinstance(value, str):
            value = str(value)
        if type(value) is not kind:
            raise UsageError(
                f"parameter {key} of notebook {name} must be of type {kind.__name__} "
                f"like its default {defaults[key]!r}, got {value!r}"
            )
        checked[key] = value
    return checked


def run_notebook(
    name: str,
    parameters: Mapping[str, object] | None = None,
    *,
    output: Path | None = None,
    cell_timeout: int = CELL_TIMEOUT,
) -> Path:
    """Run a notebook, show its progress on standard error, and return the executed copy.

    output          file of the executed copy; by default ``build/notebooks/NAME.ipynb``
    cell_timeout    seconds that one cell may take

    A copy that failed is kept with its traceback beside ``output``, with the ending ``.failed.ipynb``.

    Raises UnknownNameError or UsageError for a wrong name, parameter or output, StorageError where the output cannot be written,
    and NotebookError where a cell fails or takes too long, or the kernel dies.
    """
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from traitlets.config import Config

    source = _source(name)
    checked = check_parameters(name, parameters or {})
    done = project_folder() / "build" / "notebooks" / f"{name}.ipynb" if output is None else output
    if done.suffix != ".ipynb":
        raise UsageError(
            f"the executed notebook cannot be written to {done}: name a file that ends with .ipynb"
        )
    try:
        done.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"cannot make the folder {done.parent} ({error.strerror}): check its permissions"
        ) from None
    running, failed = (done.with_suffix(f".{state}.ipynb") for state in ("running", "failed"))
    try:
        with show_cells(name, _code_cells(source) + bool(checked)) as progress:
            papermill.execute_notebook(
                str(source),
                str(running),
                checked,
                kernel_name="python3",
                progress_bar=False,
                start_timeout=START_TIMEOUT,
                execution_timeout=cell_timeout,
                on_cell_start=progress.on_cell_start,
                extra_arguments=QUIET_KERNEL,
                # What cells print is not sent in plain text where other users of the machine can listen.
                config=Config({"KernelManager": {"transport_encryption": "auto"}}),
            )
    except (papermill.PapermillExecutionError, CellTimeoutError, DeadKernelError) as error:
        os.replace(running, failed)
        raise NotebookError(f"notebook {name} failed, {_reason(error)}: see {shown(failed)}") from None
    except KeyboardInterrupt:
        running.unlink(missing_ok=True)
        raise
    failed.unlink(missing_ok=True)
    os.replace(running, done)
    return done


def _code_cells(source: Path) -> int:
    cells = json.loads(source.read_text(encoding="utf-8"))["cells"]
    return sum(cell["cell_type"] == "code" for cell in cells)


def _source(name: str) -> Path:
    names = notebook_names()
    if name not in names:
        raise UnknownNameError("notebook", name, names)
    return project_folder() / "notebooks" / f"{name}.ipynb"


def _reason(error: Exception) -> str:
    if hasattr(error, "ename"):
        return f"{error.ename} in cell {error.exec_count} ({' '.join(str(error.evalue).split())})"
    return f"{type(error).__name__} ({' '.join(str(error).split())[:200]})"


def shown(path: Path) -> str:
    """``path`` relative to the current folder where it is inside it, for messages."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
