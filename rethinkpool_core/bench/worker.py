"""A generator in a worker process, so that what it does to its process does not affect other measurements."""

from __future__ import annotations

import pickle
import signal
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import torch

from rethinkpool_core.errors import RethinkPoolError


class WorkerKilledError(RethinkPoolError):
    """The worker process ended without an answer."""


class Worker:
    """A process that runs the generator ``work(*arguments)``, which advances only when `next` asks for a value.

    The process is a new interpreter with as many torch threads as this one. Use it as a context manager: the process ends with
    the block. ``work`` and ``arguments`` must be picklable.
    """

    def __init__(self, work: Callable[..., Iterator[Any]], *arguments: Any):
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        # Pickled here: multiprocessing would put tensors into shared memory, of which containers often have little.
        job = pickle.dumps((work, arguments, torch.get_num_threads()))
        self._process = context.Process(target=_serve, args=(theirs, job), daemon=True)
        self._process.start()
        theirs.close()

    def next(self, timeout: float | None = None) -> Any:
        """Return the generator's next value, or raise what it raised (StopIteration at its end).

        Raises TimeoutError after ``timeout`` seconds, and WorkerKilledError if the process was killed.
        """
        try:
            self._connection.send_bytes(b"next")
            if not self._connection.poll(timeout):
                raise TimeoutError(f"no value within {timeout:g} seconds")
            value, error = pickle.loads(self._connection.recv_bytes())
        except (EOFError, ConnectionError):
            raise WorkerKilledError(
                "a process of the benchmark was killed, perhaps for lack of memory: measure fewer --seeds"
            ) from None
        if error is not None:
            raise error
        return value

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()
        self._process.kill()
        self._process.join()


def _serve(connection: Connection, job: bytes) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, and the parent ends its workers
    values: Iterator[Any] | None = None
    while True:
        try:
            connection.recv_bytes()
        except EOFError:
            return
        try:
            if values is None:
                work, arguments, threads = pickle.loads(job)
                torch.set_num_threads(threads)
                values = work(*arguments)
            answer = pickle.dumps((next(values), None))
        except Exception as error:
            answer = _pickled(error)
        connection.send_bytes(answer)


def _pickled(error: Exception) -> bytes:
    """``error`` for the parent; one that cannot be unpickled becomes a RethinkPoolError with its message."""
    try:
        answer = pickle.dumps((None, error))
        pickle.loads(answer)
        return answer
    except Exception:
        return pickle.dumps((None, RethinkPoolError(str(error))))
