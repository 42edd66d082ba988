"""The command ``rethinkpool``; every failure ends with one sentence on standard error and an exit code."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import typer

from rethinkpool_core import __version__
from rethinkpool_core.commands import bench, book, data, grid, models, notebook, results, train
from rethinkpool_core.commands.values import join_assignments
from rethinkpool_core.errors import RethinkPoolError, print_with_causes
from rethinkpool_core.files.atomic import is_storage_failure

app = typer.Typer(
    name="rethinkpool",
    help="Run the appendix of 'Rethinking pooling in graph neural networks'.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
app.add_typer(data.app, name="data")
app.command("models")(models.models_command)
app.command("train")(train.train_command)
app.command("grid")(grid.grid_command)
app.add_typer(results.app, name="results")
app.command("notebook")(notebook.notebook_command)
app.command("book")(book.book_command)
app.command("bench")(bench.bench_command)

_INTERRUPTED = 130


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rethinkpool {__version__}")
        raise typer.Exit()


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback when a command fails.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Run the appendix of 'Rethinking pooling in graph neural networks'."""


def _one_line(text: object) -> str:
    return " ".join(str(text).split())


def _usage_sentence(error: typer.TyperException) -> str:
    text = _one_line(error.format_message()).rstrip(".")
    if not text:  # a group without a command has shown its help instead
        return ""
    context = getattr(error, "ctx", None)
    hint = f" (see {context.command_path} --help)" if context else ""
    return text[:1].lower() + text[1:] + hint


def _report(message: str, code: int, debug: bool) -> int:
    """Print why a command failed, and with ``debug`` the traceback of the exception that is being handled."""
    if debug:
        print_with_causes(sys.exception())
    if message:
        print(f"error: {message}", file=sys.stderr)
    return code


def _interrupt(signum: int, frame: FrameType | None) -> None:
    """Handle Ctrl-C: raise KeyboardInterrupt or, while a module is being imported, exit at once.

    An import of torch takes seconds, and may swallow the exception or leave a module half initialised.
    """
    while frame is not None:
        if frame.f_code.co_name == "_find_and_load":  # of importlib
            os.write(2, b"error: interrupted\n")
            os._exit(_INTERRUPTED)
        frame = frame.f_back
    raise KeyboardInterrupt


@contextmanager
def _ctrl_c() -> Iterator[None]:
    """Handle Ctrl-C by `_interrupt`, in the main thread, where Python delivers signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _run(args: list[str], debug: bool) -> int:
    """Run one command and turn any exception into an exit code and at most one line on standard error."""
    try:
        code = app(args=args, prog_name="rethinkpool", standalone_mode=False)
        sys.stdout.flush()  # a closed pipe fails here rather than while the interpreter shuts down
        if code == _INTERRUPTED:  # Typer's code for KeyboardInterrupt
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except KeyboardInterrupt:
        return _report("interrupted", _INTERRUPTED, debug)
    except RethinkPoolError as error:
        return _report(_one_line(error), error.exit_code, debug)
    except typer.TyperException as error:
        return _report(_usage_sentence(error), error.exit_code, debug)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if isinstance(error, OSError) and is_storage_failure(error):
            place = error.filename or "the file that the output goes to"
            return _report(
                f"cannot use {place} ({error.strerror}): check its permissions and the free space", 1, debug
            )
        described = f"{type(error).__name__} ({_one_line(error)})"
        return _report(f"internal error: {described}; run again with --debug to see where", 1, debug)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the console script; ``--debug`` may stand anywhere on the line.

    Returns the exit code: 0 done, 1 a run failed, 2 the command was wrong, 130 interrupted.
    """
    args = list(sys.argv[1:] if argv is None else argv)
    command = [arg for arg in args if arg != "--debug"]
    for stream in ("stdout", "stderr"):
        if getattr(sys, stream) is None:  # the caller has closed it
            setattr(sys, stream, open(os.devnull, "w"))
    with _ctrl_c():
        return _run(join_assignments(command), debug="--debug" in args)


if __name__ == "__main__":
    sys.exit(main())
