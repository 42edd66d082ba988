"""Workers for tasks: on this machine's cores or GPUs, or those of a running Dask scheduler."""

from __future__ import annotations

import logging
import os
import signal
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import resource_tracker

from rethinkpool_core.errors import RethinkPoolError, UsageError
from rethinkpool_core.experiments import local_worker
from rethinkpool_core.experiments.plan import Plan
from rethinkpool_core.experiments.work import stop_trainings

CONNECT_SECONDS = 8
_DASK_LOGGERS = ("distributed", "tornado", "asyncio")  # of no use to a user

MAX_WORKER_DEATHS = 5  # during one task, after which it counts as failed


@dataclass(frozen=True)
class Engine:
    """A Dask client with its workers.

    client             the client
    device             device on which the workers train
    no_workers_note    what the user is told while there are no workers
    call               tells its trainings from those of others on the same workers
    """

    client: object
    device: str
    no_workers_note: str = "all workers have ended: new ones are being started"
    call: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def slots(self) -> int:
        """How many tasks can run at once at this moment: workers may come and go."""
        # Asked of the scheduler: what the client remembers of it is without workers for a moment, every now and then.
        return sum(self.client.nthreads().values())

    @property
    def dashboard(self) -> str:
        return self.client.dashboard_link

    def stop(self) -> None:
        """Ask all trainings of this call to save a checkpoint and end."""
        self.client.run(stop_trainings, self.call, on_error="ignore")


@contextmanager
def start_engine(
    name: str, plan: Plan, *, scheduler: str | None, workers: int, device: str
) -> Iterator[Engine]:
    """Start workers, or connect to those of a scheduler.

    name         "local" or "dask"
    scheduler    address, for the engine "dask"
    workers      their number, for the engine "local"; 0 for as many as cores, or GPUs, and memory allow

    Raises UsageError as `check_engine`, and for a scheduler that does not answer.
    """
    check_engine(name, scheduler)
    if name == "dask":
        with _connect(scheduler) as client:
            yield Engine(
                client,
                device,
                "the scheduler has no workers yet: start some with `dask worker` and its address",
            )
    else:
        with _start_workers(plan, workers, device) as engine:
            yield engine


def check_engine(name: str, scheduler: str | None) -> None:
    """Raise UsageError for an engine that does not exist, or one that does not go with the address of a scheduler or its lack."""
    if name not in ("local", "dask"):
        raise UsageError(f"there is no engine {name!r}: give local or dask")
    if name == "local" and scheduler is not None:
        raise UsageError("--scheduler goes with --engine dask: the engine local starts its own")
    if name == "dask" and not scheduler:
        raise UsageError(
            "--engine dask needs a scheduler: give its address, as in --scheduler tcp://10.0.0.1:8786"
        )


@contextmanager
def _connect(address: str) -> Iterator[object]:
    from distributed import Client

    with _quiet():
        try:
            client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, TimeoutError, ValueError, ImportError):
            raise UsageError(
                f"no Dask scheduler answers at {address} within {CONNECT_SECONDS} seconds: start one with `dask scheduler`, "
                "or correct --scheduler"
            ) from None
        with client, client.as_current():
            yield client


@contextmanager
def _start_workers(plan: Plan, workers: int, device: str) -> Iterator[Engine]:
    import dask
    from distributed import Client, LocalCluster

    device, gpus = local_devices(device)
    count = workers or len(gpus) or local_workers(plan)
    # A worker that is killed, for its memory or by the user, is replaced, and its task is resumed from its checkpoint. A worker
    # that has ended closes its connection; one that is merely silent was on a machine that slept. Dask's profiler looks at every
    # thread a hundred times a second, in the time of the training.
    settings = {
        "distributed.scheduler.allowed-failures": MAX_WORKER_DEATHS,
        "distributed.scheduler.worker-ttl": None,
        "distributed.worker.profile.enabled": False,
    }
    with dask.config.set(settings), _quiet():
        with _ctrl_c_held_back():
            cluster = _started(
                lambda: (
                    gpu_cluster([gpus[number % len(gpus)] for number in range(count)])
                    if gpus
                    else LocalCluster(
                        n_workers=count,
                        threads_per_worker=1,
                        host="127.0.0.1",
                        dashboard_address="127.0.0.1:0",
                        memory_limit=int(total_memory() / count),
                        silence_logs=logging.CRITICAL,
                        preload=[local_worker.__name__],
                    )
                )
            )
        with cluster, Client(cluster, set_as_default=False) as client, client.as_current():
            yield Engine(client, device)


def _started(start: Callable[[], object]) -> object:
    """Return the cluster that ``start`` starts; anew where a worker is killed meanwhile, which Dask takes for the end of all.

    Raises RethinkPoolError if that happens `MAX_WORKER_DEATHS` times.
    """
    for _ in range(MAX_WORKER_DEATHS):
        try:
            return start()
        except RuntimeError as error:
            reason = error.__cause__ or error
    raise RethinkPoolError(
        f"the workers end while they are started ({' '.join(str(reason).split())[:120]}), perhaps for want of memory: "
        "give fewer --workers"
    )


def local_devices(device: str) -> tuple[str, list[str]]:
    """The device that workers train on, and the GPUs for them as CUDA_VISIBLE_DEVICES names them; none for the CPU."""
    from rethinkpool_core.training import resolve_device

    resolved = resolve_device(device)
    if resolved.type != "cuda":
        return resolved.type, []
    import torch

    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = visible.split(",") if visible else [str(number) for number in range(torch.cuda.device_count())]
    return "cuda", [names[resolved.index]] if ":" in device else names


def trains_on_gpus(engine: str, device: str) -> bool:
    """Return whether the workers of an engine train on GPUs; of Dask's, only the name of the device can tell."""
    return device.startswith("cuda") if engine == "dask" else bool(local_devices(device)[1])


def gpu_cluster(gpus: list[str]) -> object:
    """A Dask cluster with one worker per GPU, which sees only that one."""
    from distributed import Nanny, Scheduler, SpecCluster

    threads = max(1, (os.cpu_count() or 1) // len(gpus))  # for what is left to the CPU
    workers = {
        number: {
            "cls": Nanny,
            "options": {
                "nthreads": 1,
                "memory_limit": 0,
                "host": "127.0.0.1",
                "preload": [local_worker.__name__],
                "env": {"CUDA_VISIBLE_DEVICES": gpu, "OMP_NUM_THREADS": str(threads)},
            },
        }
        for number, gpu in enumerate(gpus)
    }
    options = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    return SpecCluster(
        workers=workers, scheduler={"cls": Scheduler, "options": options}, silence_logs=logging.CRITICAL
    )


def local_workers(plan: Plan) -> int:
    """One worker per core, but no more than there is memory for with the largest task of the grid on each."""
    most = max((cell.memory for cell in plan.cells if cell.todo), default=0)
    by_memory = int(0.9 * total_memory() // most) if most else 1
    return max(1, min(os.cpu_count() or 1, by_memory))


def total_memory() -> float:
    from distributed.system import MEMORY_LIMIT

    return MEMORY_LIMIT


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """Deliver Ctrl-C when the block ends: it would leave tracebacks of workers that are being started.

    Threads and processes that are started in the block inherit this and never get it, nor do the workers that replace others.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # started later, it would let the signal through again
    held_back = []
    # Other threads of this process, such as a notebook's, do not inherit the mask: a signal that one of them gets comes here too.
    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, lambda *signal: held_back.append(signal)) if in_main else None
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        if in_main:
            signal.signal(signal.SIGINT, before)
    if held_back:
        raise KeyboardInterrupt


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Dask's logs, which report every worker that comes or goes; what matters to the user the grid reports."""
    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in _DASK_LOGGERS]
    loggers = [logging.getLogger(name) for name in names]  # Dask gives some of them levels of their own
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
